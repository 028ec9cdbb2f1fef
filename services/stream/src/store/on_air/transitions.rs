//! The writes of each transition, in a transaction that has locked the row of the stream.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::StreamId;
use proto::events::v1 as events;
use proto::events::v1::event::Payload;

use super::{BroadcastRow, PublishRow, active_of_in, ongoing_of_in};
use crate::domain::{BroadcastState, EndReason, PublishState, StreamStatus};
use crate::error::Result;
use crate::schema::{broadcasts, publishes, streams};
use crate::store::{Conn, owners, recordings, wake_reconciler_in};

/// Ends the publish and the broadcast of a stream, whose row the caller has locked. The reconciler, which the
/// commit wakes, then drops the encoder, since it no longer has a publish.
pub(in crate::store) async fn take_off_air_in(
    conn: &mut Conn,
    stream: StreamId,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<()> {
    if let Some(row) = active_of_in(conn, stream).await? {
        end_publish_in(conn, &row, reason, now, now).await?;
        wake_reconciler_in(conn).await?;
    }
    if let Some(broadcast) = ongoing_of_in(conn, stream).await? {
        let stopped_at = broadcast.media_stopped_at.unwrap_or(now);
        end_broadcast_in(conn, &broadcast, reason, stopped_at, now).await?;
    }
    Ok(())
}

/// Ends a publish. Its broadcast enters the reconnect grace.
pub(in crate::store) async fn end_publish_in(
    conn: &mut Conn,
    row: &PublishRow,
    reason: EndReason,
    stopped_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::update(publishes::table.find(row.id))
        .set((
            publishes::state.eq(PublishState::Ended),
            publishes::ended_at.eq(now),
            publishes::end_reason.eq(reason),
            publishes::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    let Some(broadcast) = row.broadcast_id else {
        return Ok(());
    };
    diesel::update(
        broadcasts::table
            .find(broadcast)
            .filter(broadcasts::state.eq(BroadcastState::Live)),
    )
    .set((
        broadcasts::state.eq(BroadcastState::Dropped),
        broadcasts::dropped_at.eq(now),
        broadcasts::media_stopped_at.eq(stopped_at),
        broadcasts::updated_at.eq(now),
    ))
    .execute(conn)
    .await?;
    Ok(())
}

/// Starts a broadcast, emits `stream.started` and returns the id of the broadcast.
pub(super) async fn start_broadcast_in(
    conn: &mut Conn,
    node: &str,
    StreamId(stream): StreamId,
    now: DateTime<Utc>,
) -> Result<i64> {
    let (user_id, title, description, category_id): (i64, String, String, Option<i64>) = streams::table
        .find(stream)
        .select((
            streams::user_id,
            streams::title,
            streams::description,
            streams::category_id,
        ))
        .first(conn)
        .await?;
    let broadcast: i64 = diesel::insert_into(broadcasts::table)
        .values((
            broadcasts::stream_id.eq(stream),
            broadcasts::user_id.eq(user_id),
            broadcasts::title.eq(&title),
            broadcasts::description.eq(&description),
            broadcasts::category_id.eq(category_id),
            broadcasts::state.eq(BroadcastState::Live),
            broadcasts::started_at.eq(now),
            broadcasts::created_at.eq(now),
            broadcasts::updated_at.eq(now),
        ))
        .returning(broadcasts::id)
        .get_result(conn)
        .await?;
    let version: i64 = diesel::update(streams::table.find(stream))
        .set((
            streams::status.eq(StreamStatus::Live),
            streams::start_time.eq(now),
            streams::end_time.eq(None::<DateTime<Utc>>),
            streams::viewer_count.eq(0),
            streams::broadcast_id.eq(broadcast),
            streams::node.eq(node),
            streams::version.eq(streams::version + 1),
            streams::updated_at.eq(now),
        ))
        .returning(streams::version)
        .get_result(conn)
        .await?;
    let names = owners::names_in(conn, user_id).await?;
    let started = events::StreamStarted {
        stream_id: stream,
        user_id,
        broadcast_id: broadcast,
        title,
        username: names.username,
        display_name: names.display_name,
    };
    bus::emit(conn, Payload::StreamStarted(started), stream, version).await?;
    Ok(broadcast)
}

/// Resumes a broadcast, possibly on another node, and returns its id. Emits nothing, because it is the same
/// broadcast.
pub(super) async fn resume_broadcast_in(
    conn: &mut Conn,
    broadcast: &BroadcastRow,
    node: &str,
    stream: StreamId,
    now: DateTime<Utc>,
) -> Result<i64> {
    diesel::update(broadcasts::table.find(broadcast.id))
        .set((
            broadcasts::state.eq(BroadcastState::Live),
            broadcasts::dropped_at.eq(None::<DateTime<Utc>>),
            broadcasts::media_stopped_at.eq(None::<DateTime<Utc>>),
            broadcasts::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    diesel::update(streams::table.find(stream.0))
        .set((streams::node.eq(node), streams::updated_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(broadcast.id)
}

/// Ends a broadcast, emits `stream.ended` and announces the recordings.
pub(super) async fn end_broadcast_in(
    conn: &mut Conn,
    broadcast: &BroadcastRow,
    reason: EndReason,
    stopped_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let ended_at = stopped_at.max(broadcast.started_at);
    diesel::update(broadcasts::table.find(broadcast.id))
        .set((
            broadcasts::state.eq(BroadcastState::Ended),
            broadcasts::ended_at.eq(ended_at),
            broadcasts::end_reason.eq(reason),
            broadcasts::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    let StreamId(stream_id) = broadcast.stream()?;
    let (user_id, version): (i64, i64) = diesel::update(streams::table.find(stream_id))
        .set((
            streams::status.eq(StreamStatus::Ended),
            streams::end_time.eq(ended_at),
            streams::viewer_count.eq(0),
            streams::node.eq(None::<String>),
            streams::version.eq(streams::version + 1),
            streams::updated_at.eq(now),
        ))
        .returning((streams::user_id, streams::version))
        .get_result(conn)
        .await?;
    let ended = events::StreamEnded {
        stream_id,
        user_id,
        broadcast_id: broadcast.id,
        reason: reason.as_str().to_owned(),
    };
    bus::emit(conn, Payload::StreamEnded(ended), stream_id, version).await?;
    recordings::announce_in(conn, broadcast.id, now).await
}
