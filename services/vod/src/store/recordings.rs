//! Recording jobs. Each job belongs to the VOD that it produces.

mod intake;
mod publish;
mod source;
mod upload;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{RecordingName, VodId};
use storage::Database;

use crate::domain::{
    AttemptFailure, ClaimOutcome, JobPolicy, JobState, JobStatus, RecordingJob, Source, SourceKind,
    VodStatus, failure_reason,
};
use crate::error::{Error, Result};
use crate::schema::{recordings as r, vods as v};
use objects::ledger::reserve;

pub use intake::{NewRecording, recording_insert};
pub use publish::{Published, recording_publish};
pub use source::{recording_object, recording_retry, recordings_cancel};
pub use upload::{NewVideo, video_insert};

/// The `NOTIFY` channel that wakes workers.
pub const NOTIFY_CHANNEL: &str = "vod_recordings";
/// In bytes.
const MAX_ERROR_LENGTH: usize = 500;

/// A job that a worker has claimed.
#[derive(Debug, Clone)]
pub struct ClaimedJob {
    pub id: i64,
    /// The number of this attempt, which fences off earlier ones.
    pub attempt: i32,
    pub source: Source,
    pub vod: VodId,
    /// Reserved for the video.
    pub video_key: String,
    /// Reserved for the thumbnail.
    pub thumbnail_key: String,
    /// Keys of objects that earlier attempts may have uploaded.
    pub leftovers: Vec<String>,
    /// The trace context that the attempt continues.
    pub trace: HashMap<String, String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = r, check_for_backend(diesel::pg::Pg))]
struct RecordingRow {
    id: i64,
    file_name: String,
    vod_id: Option<i64>,
    state: String,
    attempts: i32,
    due_at: DateTime<Utc>,
    trace_context: serde_json::Value,
    source: String,
    source_sha256: Option<String>,
}

impl RecordingRow {
    fn job(&self) -> Result<RecordingJob> {
        let status = JobStatus::try_from(&*self.state).map_err(|_| self.invalid())?;
        Ok(RecordingJob {
            attempts: self.attempts,
            state: JobState::new(status, self.due_at),
        })
    }

    /// Returns `None` if the source has been deleted.
    fn source(&self) -> Result<Option<Source>> {
        Ok(
            match SourceKind::try_from(&*self.source).map_err(|_| self.invalid())? {
                SourceKind::Disk => {
                    let file = RecordingName::parse(&self.file_name).ok_or_else(|| self.invalid())?;
                    Some(Source::Disk(file))
                }
                SourceKind::Upload | SourceKind::Import => Some(Source::Object {
                    key: self.file_name.clone(),
                    sha256: self.source_sha256.clone(),
                }),
                SourceKind::Gone => None,
            },
        )
    }

    fn invalid(&self) -> Error {
        Error::Row {
            table: "recordings",
            row: self.id,
        }
    }
}

/// Claims the next due job of the node, or one without a node, and reserves the keys of the objects that the
/// attempt will upload.
pub async fn recording_claim(
    database: &Database,
    bucket: &bucket::Bucket,
    node: &str,
    now: DateTime<Utc>,
    policy: JobPolicy,
) -> Result<Option<ClaimedJob>> {
    let (node, bucket) = (node.to_owned(), bucket.clone());
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            loop {
                let Some(row) = next_due(conn, &node, now).await? else {
                    return Ok(None);
                };
                match row.job()?.claim(now, &policy) {
                    Ok(ClaimOutcome::Claimed(recording)) => {
                        save(conn, row.id, recording, now).await?;
                        return take(conn, &bucket, row, recording.attempts, now).await.map(Some);
                    }
                    Ok(ClaimOutcome::Abandoned(recording)) => {
                        save(conn, row.id, recording, now).await?;
                        vod_fail(conn, row.vod_id, failure_reason::PROCESSING, now).await?;
                    }
                    Err(_) => return Ok(None),
                }
            }
        })
        .await
}

async fn next_due(
    conn: &mut AsyncPgConnection,
    node: &str,
    now: DateTime<Utc>,
) -> Result<Option<RecordingRow>> {
    let due = r::table
        .filter(r::node.eq(node).or(r::node.is_null()))
        .filter(r::state.eq_any([JobStatus::Pending.as_str(), JobStatus::Working.as_str()]))
        .filter(r::due_at.le(now))
        .order(r::due_at)
        .select(RecordingRow::as_select())
        .for_update()
        .skip_locked();
    Ok(due.first(conn).await.optional()?)
}

async fn take(
    conn: &mut AsyncPgConnection,
    bucket: &bucket::Bucket,
    row: RecordingRow,
    attempt: i32,
    now: DateTime<Utc>,
) -> Result<ClaimedJob> {
    let keys = |attempt: i32| {
        ["mp4", "jpg"].map(|kind| bucket.key(&format!("recordings/{}/{attempt}.{kind}", row.id)))
    };
    let [video_key, thumbnail_key] = keys(attempt);
    reserve(conn, &[video_key.clone(), thumbnail_key.clone()], now).await?;
    Ok(ClaimedJob {
        id: row.id,
        attempt,
        source: row.source()?.ok_or_else(|| row.invalid())?,
        vod: VodId(row.vod_id.ok_or_else(|| row.invalid())?),
        video_key,
        thumbnail_key,
        leftovers: (1..attempt).flat_map(keys).collect(),
        trace: serde_json::from_value(row.trace_context).unwrap_or_default(),
    })
}

/// Extends the lease of a job.
///
/// # Errors
/// [`Error::Fenced`] if another worker has taken over.
pub async fn recording_renew(
    database: &Database,
    job: &ClaimedJob,
    now: DateTime<Utc>,
    policy: JobPolicy,
) -> Result<()> {
    let (id, attempt) = (job.id, job.attempt);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id).await?.job()?.renew(attempt, now, &policy)?;
            save(conn, id, recording, now).await
        })
        .await
}

/// Ends an attempt that failed, and returns the new state of the job. If the job has failed, so does its VOD,
/// whose owner sees `reason`.
///
/// # Errors
/// [`Error::Fenced`] if another worker has taken over.
pub async fn recording_fail_attempt(
    database: &Database,
    job: &ClaimedJob,
    failure: AttemptFailure,
    reason: &'static str,
    cause: &str,
    now: DateTime<Utc>,
    policy: JobPolicy,
) -> Result<JobState> {
    let (id, attempt, vod) = (job.id, job.attempt, job.vod);
    let cause = primitives::text::excerpt(cause, MAX_ERROR_LENGTH);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id)
                .await?
                .job()?
                .fail_attempt(attempt, failure, now, &policy)?;
            save(conn, id, recording, now).await?;
            diesel::update(r::table.find(id))
                .set(r::last_error.eq(&cause))
                .execute(conn)
                .await?;
            if recording.state == JobState::Failed {
                vod_fail(conn, Some(vod.0), reason, now).await?;
            }
            if failure == AttemptFailure::Permanent {
                // A retry cannot succeed, so the upload is of no use.
                source::delete_upload(conn, id, now).await?;
            }
            Ok(recording.state)
        })
        .await
}

/// Ends a job whose recording has no content, and deletes its VOD.
///
/// # Errors
/// [`Error::Fenced`] if another worker has taken over.
pub async fn recording_discard(
    database: &Database,
    job: &ClaimedJob,
    cause: &'static str,
    now: DateTime<Utc>,
) -> Result<()> {
    let (id, attempt, vod) = (job.id, job.attempt, job.vod);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id).await?.job()?.discard(attempt)?;
            save(conn, id, recording, now).await?;
            diesel::update(r::table.find(id))
                .set(r::last_error.eq(cause))
                .execute(conn)
                .await?;
            diesel::delete(v::table.find(vod.0)).execute(conn).await?;
            Ok(())
        })
        .await
}

/// Returns the jobs of files on the disk of a node.
pub async fn recordings_of_files(
    database: &Database,
    node: &str,
    files: &[RecordingName],
) -> Result<HashMap<RecordingName, RecordingJob>> {
    let names: Vec<&str> = files.iter().map(RecordingName::as_str).collect();
    let rows: Vec<RecordingRow> = database
        .read(async move |conn: &mut AsyncPgConnection| -> Result<_> {
            let known = r::table
                .filter(r::node.eq(node))
                .filter(r::file_name.eq_any(names));
            Ok(known.select(RecordingRow::as_select()).load(conn).await?)
        })
        .await?;
    let known = rows
        .into_iter()
        .map(|row| Ok(RecordingName::parse(&row.file_name).zip(Some(row.job()?))));
    Ok(known.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Returns the current attempt of those of the given jobs that a worker has claimed.
pub async fn recording_attempts(database: &Database, ids: Vec<i64>) -> Result<HashMap<i64, i32>> {
    database
        .read(async move |conn: &mut AsyncPgConnection| {
            let working = r::table
                .filter(r::id.eq_any(ids))
                .filter(r::state.eq(JobStatus::Working.as_str()));
            let attempts: Vec<(i64, i32)> = working.select((r::id, r::attempts)).load(conn).await?;
            Ok(attempts.into_iter().collect())
        })
        .await
}

async fn locked(conn: &mut AsyncPgConnection, id: i64) -> Result<RecordingRow> {
    Ok(r::table
        .find(id)
        .select(RecordingRow::as_select())
        .for_update()
        .first(conn)
        .await?)
}

async fn save(conn: &mut AsyncPgConnection, id: i64, job: RecordingJob, now: DateTime<Utc>) -> Result<()> {
    diesel::update(r::table.find(id))
        .set((
            r::state.eq(job.state.status().as_str()),
            r::attempts.eq(job.attempts),
            r::due_at.eq(job.state.due_at().unwrap_or(now)),
            r::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn vod_fail(
    conn: &mut AsyncPgConnection,
    vod: Option<i64>,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(vod) = vod else { return Ok(()) };
    diesel::update(v::table.find(vod))
        .set((
            v::status.eq(VodStatus::Failed.as_str()),
            v::failure_reason.eq(reason),
            v::version.eq(v::version + 1),
            v::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
