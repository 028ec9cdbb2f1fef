//! Recording jobs, each with the VOD that it is to become.

mod intake;
mod publish;
mod source;
mod upload;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::VodId;
use storage::Database;

use crate::domain::{Claim, Recording, RecordingName, Setback, Source, State, Status, Work};
use crate::error::{Error, Result};
use crate::schema::{recordings as r, vods as v};
use objects::ledger::announce;

pub use intake::{NewRecording, recording_insert};
pub use publish::{Published, recording_publish};
pub use source::{recording_object, recording_retry, recordings_cancel};
pub use upload::{NewVideo, video_insert};

/// The channel that wakes workers.
pub const CHANNEL: &str = "vod_recordings";
/// Bytes kept of an error's text.
const ERROR_BYTES: usize = 500;

/// A job that a worker holds.
#[derive(Debug, Clone)]
pub struct Job {
    /// The row.
    pub id: i64,
    /// The number of this attempt, which fences off others.
    pub attempt: i32,
    /// Where its video comes from.
    pub source: Source,
    /// The VOD that it becomes.
    pub vod: VodId,
    /// Where the video goes.
    pub video_key: String,
    /// Where its picture goes.
    pub thumbnail_key: String,
    /// Objects that earlier attempts may have left.
    pub leftovers: Vec<String>,
    /// The trace that the work continues.
    pub trace: HashMap<String, String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = r, check_for_backend(diesel::pg::Pg))]
struct Row {
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

impl Row {
    fn recording(&self) -> Result<Recording> {
        let state = match self.state.as_str() {
            "pending" => State::Pending { due_at: self.due_at },
            "working" => State::Working {
                lease_until: self.due_at,
            },
            "published" => State::Published,
            "failed" => State::Failed,
            "discarded" => State::Discarded,
            _ => {
                return Err(Error::Row {
                    table: "recordings",
                    row: self.id,
                });
            }
        };
        Ok(Recording {
            attempts: self.attempts,
            state,
        })
    }
}

impl Row {
    /// None when the source is gone, or its name is none.
    fn source(&self) -> Option<Source> {
        match self.source.as_str() {
            "disk" => RecordingName::parse(&self.file_name).map(Source::Disk),
            "upload" | "import" => Some(Source::Object {
                key: self.file_name.clone(),
                sha256: self.source_sha256.clone(),
            }),
            _ => None,
        }
    }
}

fn state_columns(state: State) -> (&'static str, Option<DateTime<Utc>>) {
    match state {
        State::Pending { due_at } => ("pending", Some(due_at)),
        State::Working { lease_until } => ("working", Some(lease_until)),
        State::Published => ("published", None),
        State::Failed => ("failed", None),
        State::Discarded => ("discarded", None),
    }
}

/// Takes the node's next job that is due, or one of those that any worker may take, if there is one. The
/// objects that the attempt is going to write are announced first.
///
/// # Errors
/// The store's.
pub async fn recording_claim(
    database: &Database,
    bucket: &bucket::Bucket,
    node: &str,
    now: DateTime<Utc>,
    work: Work,
) -> Result<Option<Job>> {
    let (node, bucket) = (node.to_owned(), bucket.clone());
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            loop {
                let Some(row) = next_due(conn, &node, now).await? else {
                    return Ok(None);
                };
                match row.recording()?.claim(now, &work) {
                    Ok(Claim::Taken(recording)) => {
                        save(conn, row.id, recording, now).await?;
                        return take(conn, &bucket, row, recording.attempts, now).await.map(Some);
                    }
                    Ok(Claim::GivenUp(recording)) => {
                        save(conn, row.id, recording, now).await?;
                        vod_fail(conn, row.vod_id, crate::domain::failure::PROCESSING, now).await?;
                    }
                    Err(_) => return Ok(None),
                }
            }
        })
        .await
}

async fn next_due(conn: &mut AsyncPgConnection, node: &str, now: DateTime<Utc>) -> Result<Option<Row>> {
    let due = r::table
        .filter(r::node.eq(node).or(r::node.is_null()))
        .filter(r::state.eq_any(["pending", "working"]))
        .filter(r::due_at.le(now))
        .order(r::due_at)
        .select(Row::as_select())
        .for_update()
        .skip_locked();
    Ok(due.first(conn).await.optional()?)
}

async fn take(
    conn: &mut AsyncPgConnection,
    bucket: &bucket::Bucket,
    row: Row,
    attempt: i32,
    now: DateTime<Utc>,
) -> Result<Job> {
    let broken = || Error::Row {
        table: "recordings",
        row: row.id,
    };
    let keys = |attempt: i32| {
        ["mp4", "jpg"].map(|kind| bucket.key(&format!("recordings/{}/{attempt}.{kind}", row.id)))
    };
    let [video_key, thumbnail_key] = keys(attempt);
    announce(conn, &[video_key.clone(), thumbnail_key.clone()], now).await?;
    Ok(Job {
        id: row.id,
        attempt,
        source: row.source().ok_or_else(broken)?,
        vod: VodId(row.vod_id.ok_or_else(broken)?),
        video_key,
        thumbnail_key,
        leftovers: (1..attempt).flat_map(keys).collect(),
        trace: serde_json::from_value(row.trace_context).unwrap_or_default(),
    })
}

/// Says that the worker of a job is alive.
///
/// # Errors
/// [`Error::Fenced`] when another has taken over; the store's.
pub async fn recording_renew(database: &Database, job: &Job, now: DateTime<Utc>, work: Work) -> Result<()> {
    let (id, attempt) = (job.id, job.attempt);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id).await?.recording()?.renew(attempt, now, &work)?;
            save(conn, id, recording, now).await
        })
        .await
}

/// Ends an attempt that failed. When it was the last, the owner sees why.
///
/// # Errors
/// [`Error::Fenced`] when another has taken over; the store's.
pub async fn recording_set_back(
    database: &Database,
    job: &Job,
    why: Setback,
    shown: &'static str,
    cause: &str,
    now: DateTime<Utc>,
    work: Work,
) -> Result<State> {
    let (id, attempt, vod) = (job.id, job.attempt, job.vod);
    let cause = shortened(cause);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id)
                .await?
                .recording()?
                .set_back(attempt, why, now, &work)?;
            save(conn, id, recording, now).await?;
            diesel::update(r::table.find(id))
                .set(r::last_error.eq(&cause))
                .execute(conn)
                .await?;
            if recording.state == State::Failed {
                vod_fail(conn, Some(vod.0), shown, now).await?;
            }
            if why == Setback::Final {
                // What is no video today will be none tomorrow.
                source::drop_upload(conn, id, now).await?;
            }
            Ok(recording.state)
        })
        .await
}

/// Ends a job that has nothing in it; the VOD that it announced goes with it.
///
/// # Errors
/// [`Error::Fenced`] when another has taken over; the store's.
pub async fn recording_discard(
    database: &Database,
    job: &Job,
    cause: &'static str,
    now: DateTime<Utc>,
) -> Result<()> {
    let (id, attempt, vod) = (job.id, job.attempt, job.vod);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id).await?.recording()?.discard(attempt)?;
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

/// What is known of files on a node's disk.
///
/// # Errors
/// The store's.
pub async fn recordings_of_files(
    database: &Database,
    node: &str,
    files: &[RecordingName],
) -> Result<HashMap<RecordingName, Recording>> {
    let names: Vec<&str> = files.iter().map(RecordingName::as_str).collect();
    let rows: Vec<Row> = database
        .read(async move |conn: &mut AsyncPgConnection| -> Result<_> {
            let known = r::table
                .filter(r::node.eq(node))
                .filter(r::file_name.eq_any(names));
            Ok(known.select(Row::as_select()).load(conn).await?)
        })
        .await?;
    let known = rows
        .into_iter()
        .map(|row| Ok(RecordingName::parse(&row.file_name).zip(Some(row.recording()?))));
    Ok(known.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The current attempt of each of these jobs that is being worked on.
///
/// # Errors
/// The store's.
pub async fn recording_attempts(database: &Database, ids: Vec<i64>) -> Result<HashMap<i64, i32>> {
    database
        .read(async move |conn: &mut AsyncPgConnection| {
            let working = r::table.filter(r::id.eq_any(ids)).filter(r::state.eq("working"));
            let attempts: Vec<(i64, i32)> = working.select((r::id, r::attempts)).load(conn).await?;
            Ok(attempts.into_iter().collect())
        })
        .await
}

async fn locked(conn: &mut AsyncPgConnection, id: i64) -> Result<Row> {
    Ok(r::table
        .find(id)
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await?)
}

async fn save(conn: &mut AsyncPgConnection, id: i64, recording: Recording, now: DateTime<Utc>) -> Result<()> {
    let (state, due_at) = state_columns(recording.state);
    diesel::update(r::table.find(id))
        .set((
            r::state.eq(state),
            r::attempts.eq(recording.attempts),
            r::due_at.eq(due_at.unwrap_or(now)),
            r::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn vod_fail(
    conn: &mut AsyncPgConnection,
    vod: Option<i64>,
    why: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(vod) = vod else { return Ok(()) };
    diesel::update(v::table.find(vod))
        .set((
            v::status.eq(Status::Failed.as_str()),
            v::failure_reason.eq(why),
            v::version.eq(v::version + 1),
            v::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

fn shortened(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(ERROR_BYTES / 4)
        .collect()
}
