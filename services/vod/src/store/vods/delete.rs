//! VODs go, with their objects and what still works on them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{UserId, VodId};
use proto::events::v1::VodDeleted;
use proto::events::v1::event::Payload;
use storage::Database;

use crate::domain::{Status, Viewer, may_change, may_see};
use crate::error::{Error, Result};
use crate::schema::vods as v;
use crate::store::recordings::recordings_cancel;
use objects::Doomed;
use objects::ledger::doom;

/// VODs that one transaction deletes.
const BATCH: i64 = 100;

/// Deletes a VOD for its owner or an admin; its objects follow.
///
/// # Errors
/// [`Error::NotFound`] when the viewer does not see it, [`Error::NotYours`] when he does and may not; the
/// store's.
pub async fn vod_delete(database: &Database, id: VodId, viewer: Viewer, now: DateTime<Utc>) -> Result<()> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            // Not locked: jobs come before their VODs in every transaction that locks both.
            let found = v::table.find(id.0).select((v::user_id, v::status));
            let (user, status): (i64, String) = found.first(conn).await.optional()?.ok_or(Error::NotFound)?;
            let status = Status::parse(&status).ok_or(Error::Row {
                table: "vods",
                row: id.0,
            })?;
            if !may_change(UserId(user), Some(viewer)) {
                let seen = may_see(status, UserId(user), Some(viewer));
                return Err(if seen { Error::NotYours } else { Error::NotFound });
            }
            delete(conn, &[id.0], now).await
        })
        .await
}

/// Deletes VODs of a user who is gone, and says whether more may be left.
///
/// # Errors
/// The store's.
pub async fn vods_delete_of_user(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let some = v::table.filter(v::user_id.eq(user.0)).select(v::id).limit(BATCH);
    let ids: Vec<i64> = some.load(conn).await?;
    delete(conn, &ids, now).await?;
    Ok(i64::try_from(ids.len()).is_ok_and(|deleted| deleted == BATCH))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = v, check_for_backend(diesel::pg::Pg))]
struct Deleted {
    id: i64,
    user_id: i64,
    version: i64,
    b2_file_id: Option<String>,
    b2_file_name: Option<String>,
    b2_thumbnail_file_id: Option<String>,
    b2_thumbnail_file_name: Option<String>,
}

async fn delete(conn: &mut AsyncPgConnection, ids: &[i64], now: DateTime<Utc>) -> Result<()> {
    recordings_cancel(conn, ids, now).await?;
    let gone: Vec<Deleted> = diesel::delete(v::table.filter(v::id.eq_any(ids)))
        .returning(Deleted::as_returning())
        .get_results(conn)
        .await?;
    for vod in gone {
        let video = vod.b2_file_name.map(|key| Doomed {
            key,
            version_id: vod.b2_file_id,
        });
        let picture = vod.b2_thumbnail_file_name.map(|key| Doomed {
            key,
            version_id: vod.b2_thumbnail_file_id,
        });
        let objects: Vec<Doomed> = [video, picture].into_iter().flatten().collect();
        doom(conn, &objects, now).await?;
        let event = VodDeleted {
            vod_id: vod.id,
            user_id: vod.user_id,
        };
        bus::emit(conn, Payload::VodDeleted(event), vod.id, vod.version + 1).await?;
    }
    Ok(())
}
