//! Cancels and retries jobs, and deletes their uploads.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use objects::PendingDeletion;
use objects::ledger::schedule_deletion;
use primitives::VodId;
use storage::Database;

use super::{NOTIFY_CHANNEL, RecordingRow, save};
use crate::domain::{Source, SourceKind};
use crate::error::{Error, Result};
use crate::schema::recordings as r;

/// Ends the jobs of VODs that are being deleted, and schedules the deletion of their uploads.
pub async fn recordings_cancel(conn: &mut AsyncPgConnection, vods: &[i64], now: DateTime<Utc>) -> Result<()> {
    let of_vods = r::table
        .filter(r::vod_id.eq_any(vods))
        .select(RecordingRow::as_select())
        .for_update();
    let rows: Vec<RecordingRow> = of_vods.load(conn).await?;
    for row in rows {
        save(conn, row.id, row.job()?.cancel(), now).await?;
        delete_upload(conn, row.id, now).await?;
    }
    Ok(())
}

/// Restarts the failed job of a VOD.
///
/// # Errors
/// [`Error::NotFailed`] if the job has not failed, [`Error::SourceGone`] if its upload has been deleted.
pub async fn recording_retry(conn: &mut AsyncPgConnection, vod: VodId, now: DateTime<Utc>) -> Result<()> {
    let locked = r::table
        .filter(r::vod_id.eq(vod.0))
        .select(RecordingRow::as_select())
        .for_update();
    let row: RecordingRow = locked.first(conn).await.optional()?.ok_or(Error::NotFailed)?;
    let again = row.job()?.retry(now).ok_or(Error::NotFailed)?;
    if row.source()?.is_none() {
        return Err(Error::SourceGone);
    }
    save(conn, row.id, again, now).await?;
    storage::notify(conn, NOTIFY_CHANNEL).await?;
    Ok(())
}

/// Returns the key of the object that a VOD is made from. Returns `None` for a recording or a deleted upload.
pub async fn recording_object(database: &Database, vod: VodId) -> Result<Option<String>> {
    let row = database
        .read(
            async move |conn: &mut AsyncPgConnection| -> Result<Option<RecordingRow>> {
                let row = r::table
                    .filter(r::vod_id.eq(vod.0))
                    .select(RecordingRow::as_select());
                Ok(row.first(conn).await.optional()?)
            },
        )
        .await?;
    Ok(match row.map(|row| row.source()).transpose()?.flatten() {
        Some(Source::Object { key, .. }) => Some(key),
        Some(Source::Disk(_)) | None => None,
    })
}

/// Schedules the deletion of the upload of a job. Imports and recordings are kept.
pub(super) async fn delete_upload(conn: &mut AsyncPgConnection, id: i64, now: DateTime<Utc>) -> Result<()> {
    let uploaded = r::table
        .filter(r::id.eq(id))
        .filter(r::source.eq(SourceKind::Upload.as_str()));
    let gone: Option<(String, Option<String>)> = diesel::update(uploaded)
        .set(r::source.eq(SourceKind::Gone.as_str()))
        .returning((r::file_name, r::source_version_id))
        .get_result(conn)
        .await
        .optional()?;
    let gone = gone.map(|(key, version_id)| PendingDeletion { key, version_id });
    Ok(schedule_deletion(conn, gone.as_slice(), now).await?)
}
