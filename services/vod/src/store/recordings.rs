//! Recording jobs, each with the VOD that it is to become.

use std::collections::HashMap;

use ::domain::{BroadcastId, CategoryId, StreamId, UserId, VodId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use proto::events::v1::VodPublished;
use proto::events::v1::event::Payload;
use storage::Database;

use crate::domain::{Claim, Fenced, Recording, RecordingName, Setback, State, Status, Work};
use crate::error::{Error, Result};
use crate::schema::{recordings as r, vods as v};
use crate::store::copies::{owner_is_deleted, owner_names, stream_is_deleted};
use crate::store::objects::{objects_announce, objects_keep};

/// The channel that wakes workers.
pub const CHANNEL: &str = "vod_recordings";
/// Bytes kept of an error's text.
const ERROR_BYTES: usize = 500;

/// A finished recording, as an event or the sweeper tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecording {
    /// The media node.
    pub node: String,
    /// The file on its disk.
    pub file: RecordingName,
    /// The time on air.
    pub broadcast: Option<BroadcastId>,
    /// The stream.
    pub stream: StreamId,
    /// Whose it is.
    pub user: UserId,
    /// The stream's title then.
    pub title: String,
    /// The stream's description then.
    pub description: String,
    /// The stream's category then.
    pub category: Option<CategoryId>,
    /// A fingerprint of the stream key, never the key.
    pub key_fingerprint: String,
}

/// A job that a worker holds.
#[derive(Debug, Clone)]
pub struct Job {
    /// The row.
    pub id: i64,
    /// The number of this attempt, which fences off others.
    pub attempt: i32,
    /// The file on the node's disk.
    pub file: RecordingName,
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

/// A VOD's video and picture in the bucket, verified, with URLs for them.
#[derive(Debug, Clone)]
pub struct Published {
    /// From the MP4.
    pub duration_seconds: f64,
    /// The video.
    pub video: (bucket::Stored, bucket::Presigned),
    /// The picture; a recording with sound alone has none.
    pub thumbnail: Option<(bucket::Stored, bucket::Presigned)>,
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

fn state_columns(state: State) -> (&'static str, Option<DateTime<Utc>>) {
    match state {
        State::Pending { due_at } => ("pending", Some(due_at)),
        State::Working { lease_until } => ("working", Some(lease_until)),
        State::Published => ("published", None),
        State::Failed => ("failed", None),
        State::Discarded => ("discarded", None),
    }
}

/// Writes a job and its VOD, `processing`, so that the owner sees at once that something is coming. A file that is known already
/// changes nothing, and one whose owner is gone becomes no VOD.
///
/// # Errors
/// The store's.
pub async fn recording_insert(
    conn: &mut AsyncPgConnection,
    new: &NewRecording,
    now: DateTime<Utc>,
) -> Result<()> {
    let trace = serde_json::to_value(proto::trace::current_context()).unwrap_or_default();
    let row = (
        r::node.eq(&new.node),
        r::file_name.eq(new.file.as_str()),
        r::broadcast_id.eq(new.broadcast.map(|broadcast| broadcast.0)),
        r::due_at.eq(now),
        r::trace_context.eq(trace),
    );
    let insert = diesel::insert_into(r::table)
        .values(row)
        .on_conflict_do_nothing()
        .returning(r::id);
    let Some(id) = insert.get_result::<i64>(conn).await.optional()? else {
        return Ok(());
    };
    if owner_is_deleted(conn, new.user).await? {
        diesel::update(r::table.find(id))
            .set(r::state.eq("discarded"))
            .execute(conn)
            .await?;
        return Ok(());
    }
    let vod = vod_insert(conn, new, now).await?;
    diesel::update(r::table.find(id))
        .set(r::vod_id.eq(vod))
        .execute(conn)
        .await?;
    diesel::sql_query(format!("NOTIFY {CHANNEL}"))
        .execute(conn)
        .await?;
    tracing::info!(recording_id = id, vod_id = vod, file = %new.file, node = new.node, "recording noted");
    Ok(())
}

async fn vod_insert(conn: &mut AsyncPgConnection, new: &NewRecording, now: DateTime<Utc>) -> Result<i64> {
    let stream = if stream_is_deleted(conn, new.stream).await? {
        None
    } else {
        Some(new.stream.0)
    };
    let row = (
        v::stream_id.eq(stream),
        v::stream_key.eq(&new.key_fingerprint),
        v::user_id.eq(new.user.0),
        v::title.eq(&new.title),
        v::description.eq(&new.description),
        v::category_id.eq(new.category.map(|category| category.0)),
        v::created_at.eq(now),
        v::updated_at.eq(now),
    );
    Ok(diesel::insert_into(v::table)
        .values(row)
        .returning(v::id)
        .get_result(conn)
        .await?)
}

/// Takes the node's next job that is due, if there is one. The objects that the attempt is going to write are announced first.
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
        .filter(r::node.eq(node))
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
    objects_announce(conn, &[video_key.clone(), thumbnail_key.clone()], now).await?;
    Ok(Job {
        id: row.id,
        attempt,
        file: RecordingName::parse(&row.file_name).ok_or_else(broken)?,
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

/// Makes the VOD ready and says so, in one transaction.
///
/// # Errors
/// [`Error::Fenced`] when another has taken over or the VOD was deleted; the store's.
pub async fn recording_publish(
    database: &Database,
    job: &Job,
    what: Published,
    now: DateTime<Utc>,
) -> Result<()> {
    let (id, attempt, vod) = (job.id, job.attempt, job.vod);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let recording = locked(conn, id).await?.recording()?.publish(attempt)?;
            let video = &what.video.0;
            let object = (
                r::object_key.eq(&video.key),
                r::object_version_id.eq(&video.version_id),
            );
            diesel::update(r::table.find(id))
                .set(object)
                .execute(conn)
                .await?;
            save(conn, id, recording, now).await?;
            let thumbnail_key = what.thumbnail.as_ref().map(|(stored, _)| stored.key.as_str());
            let keys: Vec<&str> = [Some(video.key.as_str()), thumbnail_key]
                .into_iter()
                .flatten()
                .collect();
            objects_keep(conn, &keys).await?;
            vod_publish(conn, vod, &what, now).await
        })
        .await
}

async fn vod_publish(
    conn: &mut AsyncPgConnection,
    vod: VodId,
    what: &Published,
    now: DateTime<Utc>,
) -> Result<()> {
    let (video, url) = &what.video;
    let (picture, picture_url) = what
        .thumbnail
        .as_ref()
        .map_or((None, None), |(a, b)| (Some(a), Some(b)));
    let ready = (
        (
            v::status.eq(Status::Ready.as_str()),
            v::duration_seconds.eq(what.duration_seconds),
        ),
        (v::video_url.eq(&url.url), v::url_expires_at.eq(url.expires_at)),
        (
            v::b2_file_id.eq(&video.version_id),
            v::b2_file_name.eq(&video.key),
        ),
        (
            v::thumbnail_url.eq(picture_url.map(|presigned| &presigned.url)),
            v::thumbnail_url_expires_at.eq(picture_url.map(|presigned| presigned.expires_at)),
        ),
        (
            v::b2_thumbnail_file_id.eq(picture.and_then(|stored| stored.version_id.as_ref())),
            v::b2_thumbnail_file_name.eq(picture.map(|stored| &stored.key)),
        ),
        (
            v::failure_reason.eq(None::<String>),
            v::version.eq(v::version + 1),
            v::updated_at.eq(now),
        ),
    );
    let (user_id, stream_id, title, version): (i64, Option<i64>, String, i64) =
        diesel::update(v::table.find(vod.0))
            .set(ready)
            .returning((v::user_id, v::stream_id, v::title, v::version))
            .get_result(conn)
            .await
            .optional()?
            .ok_or(Fenced)?;
    let (username, display_name) = owner_names(conn, UserId(user_id)).await?;
    let event = VodPublished {
        vod_id: vod.0,
        user_id,
        stream_id,
        title,
        username,
        display_name,
    };
    bus::emit(conn, Payload::VodPublished(event), vod.0, version).await?;
    Ok(())
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

/// Ends the jobs of VODs that are being deleted, whoever works on them.
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
    }
    Ok(())
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
