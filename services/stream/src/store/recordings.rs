//! Recordings that media nodes have closed. They are announced once their broadcast has ended, and the
//! sweeper beside the disk asks for the owner of those whose hook was lost.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::{NodeName, StreamId};
use proto::events::v1 as events;
use proto::events::v1::event::Payload;

use super::on_air::PublishRow;
use super::streams::{StreamRow, lock_in};
use super::{Conn, Store};
use crate::domain::{BroadcastState, EndReason, RecordingName};
use crate::error::Result;
use crate::schema::{broadcasts, publishes, recorded_files};

/// nginx opens the file after the hook's answer, and names it by the whole second of its own clock.
const CLOCK_TOLERANCE: Duration = Duration::seconds(3);
/// The number of publishes that [`writer_in`] considers.
const MAX_CANDIDATES: i64 = 20;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(diesel::pg::Pg))]
struct BroadcastDetails {
    id: i64,
    stream_id: Option<i64>,
    user_id: i64,
    title: String,
    description: String,
    category_id: Option<i64>,
    state: BroadcastState,
}

/// The origin of a recording.
#[derive(Debug, Clone)]
pub struct RecordingOwner {
    /// `None` while the publish is starting.
    pub broadcast_id: Option<i64>,
    /// `None` once the stream is deleted.
    pub stream_id: Option<i64>,
    pub user_id: i64,
    pub title: String,
    pub description: String,
    pub category_id: Option<i64>,
    /// Identifies the stream key that the encoder used.
    pub key_fingerprint: String,
    /// Whether the broadcast is still ongoing.
    pub on_air: bool,
}

impl RecordingOwner {
    fn of_broadcast(publish: PublishRow, broadcast: BroadcastDetails) -> Self {
        Self {
            on_air: !publish.has_ended() || broadcast.state != BroadcastState::Ended,
            broadcast_id: Some(broadcast.id),
            stream_id: broadcast.stream_id,
            user_id: broadcast.user_id,
            title: broadcast.title,
            description: broadcast.description,
            category_id: broadcast.category_id,
            key_fingerprint: publish.key_fingerprint,
        }
    }

    fn of_starting(publish: PublishRow, stream: StreamRow) -> Self {
        Self {
            on_air: true,
            broadcast_id: None,
            stream_id: publish.stream_id,
            user_id: stream.user_id,
            title: stream.title,
            description: stream.description,
            category_id: stream.category_id,
            key_fingerprint: publish.key_fingerprint,
        }
    }
}

impl Store {
    /// Returns the owner of a recording: that of the publish during which the file was opened.
    pub async fn recording_resolve(
        &self,
        node: NodeName,
        file: RecordingName,
    ) -> Result<Option<RecordingOwner>> {
        self.database
            .transaction(
                async move |conn: &mut Conn| match writer_in(conn, &node, &file).await? {
                    Some(publish) => owner_in(conn, publish).await,
                    None => Ok(None),
                },
            )
            .await
    }
}

/// Stores the name of a closed file. Idempotent.
pub(super) async fn add_in(
    conn: &mut Conn,
    publish: &PublishRow,
    file: &RecordingName,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(recorded_files::table)
        .values((
            recorded_files::publish_id.eq(publish.id),
            recorded_files::node.eq(&publish.node),
            recorded_files::file_name.eq(file.as_str()),
            recorded_files::created_at.eq(now),
            recorded_files::updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Announces the files of a broadcast if it has ended.
pub(super) async fn announce_if_ended_in(conn: &mut Conn, broadcast: i64, now: DateTime<Utc>) -> Result<()> {
    let state: BroadcastState = broadcasts::table
        .find(broadcast)
        .select(broadcasts::state)
        .first(conn)
        .await?;
    if state == BroadcastState::Ended {
        announce_in(conn, broadcast, now).await?;
    }
    Ok(())
}

/// Emits `recording.finished` for each file of a broadcast that has not been announced.
pub(super) async fn announce_in(conn: &mut Conn, broadcast: i64, now: DateTime<Utc>) -> Result<()> {
    type Columns = (i64, i64, String, String, String);
    let files: Vec<Columns> = recorded_files::table
        .inner_join(publishes::table)
        .filter(publishes::broadcast_id.eq(broadcast))
        .filter(recorded_files::announced_at.is_null())
        .order(recorded_files::id)
        .select((
            recorded_files::id,
            publishes::id,
            recorded_files::node,
            recorded_files::file_name,
            publishes::key_fingerprint,
        ))
        .load(conn)
        .await?;
    if files.is_empty() {
        return Ok(());
    }
    let details: BroadcastDetails = broadcasts::table
        .find(broadcast)
        .select(BroadcastDetails::as_select())
        .first(conn)
        .await?;
    for (file, publish, node, file_name, key_fingerprint) in files {
        let finished = events::RecordingFinished {
            node,
            file_name,
            stream_id: details.stream_id.unwrap_or(0),
            broadcast_id: details.id,
            user_id: details.user_id,
            title: details.title.clone(),
            description: details.description.clone(),
            category_id: details.category_id,
            key_fingerprint,
        };
        // A publish may have several files. The version, which must differ between their events, is the
        // file's id.
        bus::emit(conn, Payload::RecordingFinished(finished), publish, file).await?;
        diesel::update(recorded_files::table.find(file))
            .set((
                recorded_files::announced_at.eq(now),
                recorded_files::updated_at.eq(now),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Returns the publish that wrote a file: the one that a hook named, or else the one accepted at the time
/// closest to that in the file's name.
async fn writer_in(conn: &mut Conn, node: &NodeName, file: &RecordingName) -> Result<Option<PublishRow>> {
    let known = recorded_files::table
        .inner_join(publishes::table)
        .filter(recorded_files::node.eq(node.as_str()))
        .filter(recorded_files::file_name.eq(file.as_str()))
        .select(PublishRow::as_select())
        .first(conn)
        .await
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let ended_late = publishes::ended_at.ge(file.opened_at - CLOCK_TOLERANCE);
    let candidates: Vec<PublishRow> = publishes::table
        .filter(publishes::playback_name.eq(file.playback_name.as_str()))
        .filter(publishes::node.eq(node.as_str()))
        .filter(publishes::accepted_at.le(file.opened_at + CLOCK_TOLERANCE))
        .filter(publishes::ended_at.is_null().or(ended_late))
        .order(publishes::accepted_at.desc())
        .limit(MAX_CANDIDATES)
        .select(PublishRow::as_select())
        .load(conn)
        .await?;
    let middle_of_second = file.opened_at + Duration::milliseconds(500);
    let distance = |row: &PublishRow| (row.accepted_at - middle_of_second).num_milliseconds().abs();
    Ok(candidates.into_iter().min_by_key(distance))
}

/// Returns the owner of a publish's recordings. Adds the broadcast of a publish that ended before this
/// service saw its media, for example because it was down: the recording proves that the stream was on air.
async fn owner_in(conn: &mut Conn, publish: PublishRow) -> Result<Option<RecordingOwner>> {
    if let Some(broadcast) = publish.broadcast_id {
        return owner_of_broadcast_in(conn, publish, broadcast).await;
    }
    let Some(stream_id) = publish.stream_id else {
        return Ok(None);
    };
    let Some(stream) = lock_in(conn, StreamId(stream_id)).await? else {
        return Ok(None);
    };
    // Read again under the lock.
    let publish: PublishRow = publishes::table
        .find(publish.id)
        .select(PublishRow::as_select())
        .first(conn)
        .await?;
    let broadcast = match (publish.broadcast_id, publish.ended_at) {
        (Some(broadcast), _) => broadcast,
        (None, Some(ended_at)) => insert_missed_broadcast_in(conn, &publish, &stream, ended_at).await?,
        (None, None) => return Ok(Some(RecordingOwner::of_starting(publish, stream))),
    };
    owner_of_broadcast_in(conn, publish, broadcast).await
}

async fn owner_of_broadcast_in(
    conn: &mut Conn,
    publish: PublishRow,
    broadcast: i64,
) -> Result<Option<RecordingOwner>> {
    let details = broadcasts::table
        .find(broadcast)
        .select(BroadcastDetails::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(details.map(|details| RecordingOwner::of_broadcast(publish, details)))
}

async fn insert_missed_broadcast_in(
    conn: &mut Conn,
    publish: &PublishRow,
    stream: &StreamRow,
    ended_at: DateTime<Utc>,
) -> Result<i64> {
    let broadcast: i64 = diesel::insert_into(broadcasts::table)
        .values((
            broadcasts::stream_id.eq(stream.id),
            broadcasts::user_id.eq(stream.user_id),
            broadcasts::title.eq(&stream.title),
            broadcasts::description.eq(&stream.description),
            broadcasts::category_id.eq(stream.category_id),
            broadcasts::state.eq(BroadcastState::Ended),
            broadcasts::started_at.eq(publish.accepted_at),
            broadcasts::ended_at.eq(ended_at.max(publish.accepted_at)),
            broadcasts::end_reason.eq(publish.end_reason.unwrap_or(EndReason::PublisherGone)),
        ))
        .returning(broadcasts::id)
        .get_result(conn)
        .await?;
    diesel::update(publishes::table.find(publish.id))
        .set(publishes::broadcast_id.eq(broadcast))
        .execute(conn)
        .await?;
    Ok(broadcast)
}
