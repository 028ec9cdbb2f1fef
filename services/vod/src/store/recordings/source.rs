//! What becomes of a job, and of what it works on, when its VOD's owner decides.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use objects::Doomed;
use objects::ledger::doom;
use primitives::VodId;
use storage::Database;

use super::{CHANNEL, Row, save};
use crate::domain::Source;
use crate::error::{Error, Result};
use crate::schema::recordings as r;

/// Ends the jobs of VODs that are being deleted, whoever works on them. What was uploaded for them goes too.
///
/// # Errors
/// The store's.
pub async fn recordings_cancel(conn: &mut AsyncPgConnection, vods: &[i64], now: DateTime<Utc>) -> Result<()> {
    let of_vods = r::table
        .filter(r::vod_id.eq_any(vods))
        .select(Row::as_select())
        .for_update();
    let rows: Vec<Row> = of_vods.load(conn).await?;
    for row in rows {
        save(conn, row.id, row.recording()?.cancel(), now).await?;
        drop_upload(conn, row.id, now).await?;
    }
    Ok(())
}

/// Makes the failed job of a VOD due again.
///
/// # Errors
/// [`Error::NotFailed`] when there is none, [`Error::SourceGone`] when nothing is left to try with; the
/// store's.
pub async fn recording_retry(conn: &mut AsyncPgConnection, vod: VodId, now: DateTime<Utc>) -> Result<()> {
    let locked = r::table
        .filter(r::vod_id.eq(vod.0))
        .select(Row::as_select())
        .for_update();
    let row: Row = locked.first(conn).await.optional()?.ok_or(Error::NotFailed)?;
    let again = row.recording()?.retry(now).ok_or(Error::NotFailed)?;
    if row.source().is_none() {
        return Err(Error::SourceGone);
    }
    save(conn, row.id, again, now).await?;
    storage::notify(conn, CHANNEL).await?;
    Ok(())
}

/// The object that a VOD is made of; none where it is a file, or gone.
///
/// # Errors
/// The store's.
pub async fn recording_object(database: &Database, vod: VodId) -> Result<Option<String>> {
    let row = database
        .read(async move |conn: &mut AsyncPgConnection| -> Result<Option<Row>> {
            let row = r::table.filter(r::vod_id.eq(vod.0)).select(Row::as_select());
            Ok(row.first(conn).await.optional()?)
        })
        .await?;
    Ok(row.and_then(|row| row.source()).and_then(|source| match source {
        Source::Object { key, .. } => Some(key),
        Source::Disk(_) => None,
    }))
}

/// An uploaded video that has done its work, or is of no use, goes. Everything else stays where it is.
pub(super) async fn drop_upload(conn: &mut AsyncPgConnection, id: i64, now: DateTime<Utc>) -> Result<()> {
    let uploaded = r::table.filter(r::id.eq(id)).filter(r::source.eq("upload"));
    let gone: Option<(String, Option<String>)> = diesel::update(uploaded)
        .set(r::source.eq("gone"))
        .returning((r::file_name, r::source_version_id))
        .get_result(conn)
        .await
        .optional()?;
    let gone = gone.map(|(key, version_id)| Doomed { key, version_id });
    Ok(doom(conn, gone.as_slice(), now).await?)
}
