//! Changes by owners and admins.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use objects::{PendingDeletion, StoredImage};
use primitives::{CategoryId, VodId};
use storage::Database;

use super::VodRow;
use crate::domain::{Viewer, VodStatus, may_change, may_see};
use crate::error::{Error, Result};
use crate::schema::{categories as c, vods as v};
use crate::store::recordings::recording_retry;
use crate::store::search;

/// Valid changes of a VOD. Absent fields stay as they are.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub title: Option<String>,
    pub description: Option<String>,
    /// `Some(None)` removes the category.
    pub category: Option<Option<CategoryId>>,
    /// An uploaded thumbnail. `Some(None)` removes the thumbnail.
    pub picture: Option<Option<StoredImage>>,
}

/// Changes a VOD.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotOwner`], [`Error::NoCategory`].
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

/// Restarts the processing of a failed VOD.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotOwner`], [`Error::NotFailed`], [`Error::SourceGone`].
pub async fn vod_retry(database: &Database, id: VodId, viewer: Viewer, now: DateTime<Utc>) -> Result<()> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let row = lock(conn, id, viewer).await?;
            if row.status != VodStatus::Failed.as_str() {
                return Err(Error::NotFailed);
            }
            recording_retry(conn, id, now).await?;
            diesel::update(v::table.find(id.0))
                .set((
                    v::status.eq(VodStatus::Processing.as_str()),
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

/// Locks and returns a VOD that the viewer may change.
async fn lock(conn: &mut AsyncPgConnection, id: VodId, viewer: Viewer) -> Result<VodRow> {
    let row = v::table.find(id.0).select(VodRow::as_select()).for_update();
    let row: VodRow = row.first(conn).await.optional()?.ok_or(Error::NotFound)?;
    let status = VodStatus::try_from(&*row.status).map_err(|_| Error::Row {
        table: "vods",
        row: row.id,
    })?;
    let (owner, viewer) = (primitives::UserId(row.user_id), Some(viewer));
    if may_change(owner, viewer) {
        Ok(row)
    } else if may_see(status, owner, viewer) {
        Err(Error::NotOwner)
    } else {
        Err(Error::NotFound)
    }
}

/// Returns the id of a category, and locks it until the transaction ends.
///
/// # Errors
/// [`Error::NoCategory`] if it is unknown or deleted.
pub(crate) async fn category_known(conn: &mut AsyncPgConnection, category: CategoryId) -> Result<i64> {
    let found = c::table.find(category.0).filter(c::deleted.eq(false));
    let found = found.select(c::id).for_share().first(conn).await;
    found.optional()?.ok_or(Error::NoCategory)
}

fn picture_of(row: &VodRow) -> Option<PendingDeletion> {
    row.b2_thumbnail_file_name.clone().map(|key| PendingDeletion {
        key,
        version_id: row.b2_thumbnail_file_id.clone(),
    })
}

/// Sets or removes the thumbnail of a VOD.
pub(crate) async fn picture_write(
    conn: &mut AsyncPgConnection,
    vod: i64,
    picture: Option<&StoredImage>,
    before: Option<PendingDeletion>,
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
