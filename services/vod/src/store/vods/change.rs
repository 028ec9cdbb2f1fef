//! What owners and admins change of a VOD.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use objects::{Doomed, Picture};
use primitives::{CategoryId, VodId};
use storage::Database;

use super::VodRow;
use crate::domain::{Status, Viewer, may_change, may_see};
use crate::error::{Error, Result};
use crate::schema::{categories as c, vods as v};
use crate::store::recordings::recording_retry;
use crate::store::search;

/// What changes, checked; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The title.
    pub title: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The category; `Some(None)` takes the VOD out of its own.
    pub category: Option<Option<CategoryId>>,
    /// The picture, in the bucket already; `Some(None)` takes it away.
    pub picture: Option<Option<Picture>>,
}

/// Changes a VOD.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotYours`], [`Error::NoCategory`]; the store's.
pub async fn vod_update(
    database: &Database,
    id: VodId,
    viewer: Viewer,
    change: Change,
    now: DateTime<Utc>,
) -> Result<()> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let row = lock(conn, id, viewer).await?;
            if let Some(picture) = change.picture {
                picture_write(conn, row.id, picture.as_ref(), picture_of(&row), now).await?;
            }
            let category = match change.category {
                Some(Some(category)) => Some(Some(category_known(conn, category).await?)),
                Some(None) => Some(None),
                None => None,
            };
            diesel::update(v::table.find(id.0))
                .set((
                    change.title.map(|title| v::title.eq(title)),
                    change.description.map(|text| v::description.eq(text)),
                    category.map(|category| v::category_id.eq(category)),
                    v::version.eq(v::version + 1),
                    v::updated_at.eq(now),
                ))
                .execute(conn)
                .await?;
            search::write(conn, &[id.0]).await
        })
        .await
}

/// Tries a failed VOD again, from the beginning.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotYours`], [`Error::NotFailed`], [`Error::SourceGone`]; the store's.
pub async fn vod_retry(database: &Database, id: VodId, viewer: Viewer, now: DateTime<Utc>) -> Result<()> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let row = lock(conn, id, viewer).await?;
            if row.status != Status::Failed.as_str() {
                return Err(Error::NotFailed);
            }
            recording_retry(conn, id, now).await?;
            diesel::update(v::table.find(id.0))
                .set((
                    v::status.eq(Status::Processing.as_str()),
                    v::failure_reason.eq(None::<String>),
                    v::version.eq(v::version + 1),
                    v::updated_at.eq(now),
                ))
                .execute(conn)
                .await?;
            Ok(())
        })
        .await
}

/// A VOD's row, locked, when the viewer may change it.
async fn lock(conn: &mut AsyncPgConnection, id: VodId, viewer: Viewer) -> Result<VodRow> {
    let row = v::table.find(id.0).select(VodRow::as_select()).for_update();
    let row: VodRow = row.first(conn).await.optional()?.ok_or(Error::NotFound)?;
    let status = Status::parse(&row.status).ok_or(Error::Row {
        table: "vods",
        row: row.id,
    })?;
    let (owner, viewer) = (primitives::UserId(row.user_id), Some(viewer));
    if may_change(owner, viewer) {
        Ok(row)
    } else if may_see(status, owner, viewer) {
        Err(Error::NotYours)
    } else {
        Err(Error::NotFound)
    }
}

/// The id of a category that exists, as far as we have heard; it goes on existing until the transaction ends.
pub(crate) async fn category_known(conn: &mut AsyncPgConnection, category: CategoryId) -> Result<i64> {
    let found = c::table.find(category.0).filter(c::deleted.eq(false));
    let found = found.select(c::id).for_share().first(conn).await;
    found.optional()?.ok_or(Error::NoCategory)
}

fn picture_of(row: &VodRow) -> Option<Doomed> {
    row.b2_thumbnail_file_name.clone().map(|key| Doomed {
        key,
        version_id: row.b2_thumbnail_file_id.clone(),
    })
}

/// Gives a VOD a picture, or takes its picture away.
pub(crate) async fn picture_write(
    conn: &mut AsyncPgConnection,
    vod: i64,
    picture: Option<&Picture>,
    before: Option<Doomed>,
    now: DateTime<Utc>,
) -> Result<()> {
    let columns = (
        v::thumbnail_url.eq(picture.map(|picture| &picture.url)),
        v::thumbnail_url_expires_at.eq(picture.map(|picture| picture.url_expires_at)),
        v::b2_thumbnail_file_id.eq(picture.and_then(|picture| picture.version_id.as_ref())),
        v::b2_thumbnail_file_name.eq(picture.map(|picture| &picture.key)),
    );
    diesel::update(v::table.find(vod))
        .set(columns)
        .execute(conn)
        .await?;
    Ok(objects::replace(conn, picture, before, now).await?)
}
