//! Deletes VODs with their objects and jobs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{UserId, VodId};
use proto::events::v1::VodDeleted;
use proto::events::v1::event::Payload;
use storage::Database;

use crate::domain::{Viewer, VodStatus, may_change, may_see};
use crate::error::{Error, Result};
use crate::schema::vods as v;
use crate::store::recordings::recordings_cancel;
use objects::PendingDeletion;
use objects::ledger::schedule_deletion;

/// VODs per transaction.
const BATCH_SIZE: i64 = 100;

/// Deletes a VOD and schedules the deletion of its objects.
///
/// # Errors
/// [`Error::NotFound`] when the viewer does not see it, [`Error::NotOwner`] when he does and may not.
pub async fn vod_delete(database: &Database, id: VodId, viewer: Viewer, now: DateTime<Utc>) -> Result<()> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            // Not locked here: every transaction locks jobs before their VODs.
            let found = v::table.find(id.0).select((v::user_id, v::status));
            let (user, status): (i64, String) = found.first(conn).await.optional()?.ok_or(Error::NotFound)?;
            let status = VodStatus::try_from(&*status).map_err(|_| Error::Row {
                table: "vods",
                row: id.0,
            })?;
            if !may_change(UserId(user), Some(viewer)) {
                let seen = may_see(status, UserId(user), Some(viewer));
                return Err(if seen { Error::NotOwner } else { Error::NotFound });
            }
            delete(conn, &[id.0], now).await
        })
        .await
}

/// Deletes up to 100 VODs of a user and returns whether more may be left.
pub async fn vods_delete_of_user(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let some = v::table
        .filter(v::user_id.eq(user.0))
        .select(v::id)
        .limit(BATCH_SIZE);
    let ids: Vec<i64> = some.load(conn).await?;
    delete(conn, &ids, now).await?;
    Ok(i64::try_from(ids.len()).is_ok_and(|deleted| deleted == BATCH_SIZE))
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
        let video = vod.b2_file_name.map(|key| PendingDeletion {
            key,
            version_id: vod.b2_file_id,
        });
        let picture = vod.b2_thumbnail_file_name.map(|key| PendingDeletion {
            key,
            version_id: vod.b2_thumbnail_file_id,
        });
        let objects: Vec<PendingDeletion> = [video, picture].into_iter().flatten().collect();
        schedule_deletion(conn, &objects, now).await?;
        let event = VodDeleted {
            vod_id: vod.id,
            user_id: vod.user_id,
        };
        bus::emit(conn, Payload::VodDeleted(event), vod.id, vod.version + 1).await?;
    }
    Ok(())
}
