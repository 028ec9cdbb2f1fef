//! From accepted to live to over: the transitions of publishes and broadcasts.
//!
//! Whoever asks for one may be late or second: each looks at the rows again under the stream's lock, and does nothing when they
//! say something else by then.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::{BroadcastId, StreamId};
use proto::events::v1 as events;
use proto::events::v1::event::Payload;
use tracing::Instrument;

use super::streams::lock_in;
use super::{Conn, Store, owners, recordings, wake_reconciler_in};
use crate::domain::{ActivePublish, BroadcastState, EndReason, OnAir, Progress, PublishState, View};
use crate::error::{Error, Result};
use crate::schema::{broadcasts, publishes, streams};

/// A publish as the transitions need it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = publishes, check_for_backend(diesel::pg::Pg))]
#[expect(missing_docs, reason = "each is the column of that name")]
pub struct PublishRow {
    pub id: i64,
    pub stream_id: Option<i64>,
    pub broadcast_id: Option<i64>,
    pub node: String,
    pub boot_id: String,
    pub client_id: i64,
    pub playback_name: String,
    pub key_fingerprint: String,
    pub state: String,
    pub accepted_at: DateTime<Utc>,
    pub end_reason: Option<String>,
    pub media_bytes: i64,
    pub seen_at: DateTime<Utc>,
    pub grew_at: DateTime<Utc>,
    pub trace_context: serde_json::Value,
}

impl PublishRow {
    /// The row as `domain` sees it.
    ///
    /// # Errors
    /// A state that this code does not know.
    pub fn active(&self) -> Result<ActivePublish> {
        let unknown = || Error::UnknownState(self.id);
        Ok(ActivePublish {
            id: self.id,
            stream: StreamId(self.stream_id.ok_or_else(unknown)?),
            broadcast: self.broadcast_id.map(BroadcastId),
            name: self.playback_name.clone(),
            node: self.node.clone(),
            client: self.client_id,
            state: self.state.parse().map_err(|_| unknown())?,
            accepted_at: self.accepted_at,
            progress: Progress {
                bytes: u64::try_from(self.media_bytes).unwrap_or(0),
                seen_at: self.seen_at,
                grew_at: self.grew_at,
            },
        })
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(diesel::pg::Pg))]
struct BroadcastRow {
    id: i64,
    stream_id: Option<i64>,
    state: String,
    started_at: DateTime<Utc>,
    dropped_at: Option<DateTime<Utc>>,
    media_stopped_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Everything that is not over.
    ///
    /// # Errors
    /// What the database says.
    pub async fn on_air_view(&self) -> Result<View> {
        self.database
            .read(async |conn: &mut Conn| {
                let rows: Vec<PublishRow> = publishes::table
                    .filter(publishes::state.ne("ended"))
                    .select(PublishRow::as_select())
                    .load(conn)
                    .await?;
                let on_air: Vec<BroadcastRow> = broadcasts::table
                    .filter(broadcasts::state.ne("ended"))
                    .select(BroadcastRow::as_select())
                    .load(conn)
                    .await?;
                Ok(View {
                    publishes: rows.iter().map(PublishRow::active).collect::<Result<_>>()?,
                    broadcasts: on_air.into_iter().map(on_air_of).collect::<Result<_>>()?,
                })
            })
            .await
    }

    /// Notes how far encoders are.
    ///
    /// # Errors
    /// What the database says.
    pub async fn publishes_note(&self, notes: Vec<(i64, Progress)>) -> Result<()> {
        if notes.is_empty() {
            return Ok(());
        }
        let statement = "UPDATE publishes SET media_bytes = note.bytes, seen_at = note.seen, grew_at = note.grew, \
                         updated_at = note.seen FROM unnest($1, $2, $3, $4) AS note (id, bytes, seen, grew) \
                         WHERE publishes.id = note.id AND publishes.state <> 'ended'";
        let ids: Vec<i64> = notes.iter().map(|(id, _)| *id).collect();
        let bytes: Vec<i64> = notes
            .iter()
            .map(|(_, p)| i64::try_from(p.bytes).unwrap_or(i64::MAX))
            .collect();
        let seen: Vec<DateTime<Utc>> = notes.iter().map(|(_, p)| p.seen_at).collect();
        let grew: Vec<DateTime<Utc>> = notes.iter().map(|(_, p)| p.grew_at).collect();
        self.database
            .transaction(async move |conn: &mut Conn| {
                diesel::sql_query(statement)
                    .bind::<Array<BigInt>, _>(ids)
                    .bind::<Array<BigInt>, _>(bytes)
                    .bind::<Array<Timestamptz>, _>(seen)
                    .bind::<Array<Timestamptz>, _>(grew)
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await
    }

    /// The media of a publish flows: its broadcast begins, or goes on after a short drop. Continues the trace of the hook that
    /// let the encoder in.
    ///
    /// # Errors
    /// What the database says.
    pub async fn publish_go_live(&self, publish: i64, stream: StreamId) -> Result<()> {
        let trace = self.trace_of(publish).await?;
        let span = tracing::info_span!(parent: None, "transaction", otel.name = "stream.go_live", stream_id = stream.0);
        proto::trace::continue_from(&span, &trace);
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let Some(locked) = lock_in(conn, stream).await? else {
                    return Ok(());
                };
                let Some(row) = active_in(conn, publish).await? else {
                    return Ok(());
                };
                if row.state != PublishState::Starting.as_str() {
                    return Ok(());
                }
                let broadcast = match on_air_in(conn, stream).await? {
                    Some(going_on) => go_on_in(conn, going_on, &row.node, stream, now).await?,
                    None => begin_in(conn, &row.node, locked.id, now).await?,
                };
                diesel::update(publishes::table.find(publish))
                    .set((
                        publishes::state.eq("live"),
                        publishes::broadcast_id.eq(broadcast),
                        publishes::started_at.eq(now),
                        publishes::seen_at.eq(now),
                        publishes::grew_at.eq(now),
                        publishes::updated_at.eq(now),
                    ))
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .instrument(span)
            .await
    }

    async fn trace_of(&self, publish: i64) -> Result<HashMap<String, String>> {
        self.database
            .read(async move |conn: &mut Conn| {
                let trace = publishes::table
                    .find(publish)
                    .select(publishes::trace_context)
                    .first(conn)
                    .await;
                let trace: Option<serde_json::Value> = trace.optional()?;
                Ok(trace
                    .and_then(|trace| serde_json::from_value(trace).ok())
                    .unwrap_or_default())
            })
            .await
    }

    /// An encoder is gone.
    ///
    /// # Errors
    /// What the database says.
    pub async fn publish_end(
        &self,
        publish: i64,
        stream: StreamId,
        reason: EndReason,
        stopped_at: DateTime<Utc>,
    ) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                lock_in(conn, stream).await?;
                let Some(row) = active_in(conn, publish).await? else {
                    return Ok(());
                };
                end_publish_in(conn, &row, reason, stopped_at, now).await?;
                if reason == EndReason::NodeLost
                    && let Some(broadcast) = on_air_in(conn, stream).await?
                {
                    end_broadcast_in(conn, &broadcast, reason, stopped_at, now).await?;
                }
                Ok(())
            })
            .await
    }

    /// The grace of a broadcast is over.
    ///
    /// # Errors
    /// What the database says.
    pub async fn broadcast_end(&self, broadcast: BroadcastId, stream: StreamId) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                lock_in(conn, stream).await?;
                let on_air = on_air_in(conn, stream).await?.filter(|row| row.id == broadcast.0);
                let Some(row) = on_air.filter(|row| row.state == BroadcastState::Dropped.as_str()) else {
                    return Ok(());
                };
                // An encoder that was let in meanwhile brings it back, or expires and leaves it to the next look.
                if active_of_in(conn, stream).await?.is_some() {
                    return Ok(());
                }
                let stopped_at = row.media_stopped_at.unwrap_or(now);
                end_broadcast_in(conn, &row, EndReason::PublisherGone, stopped_at, now).await
            })
            .await
    }
}

/// Ends the encoder's connection and the broadcast of a stream, whose row the caller has locked. The encoder itself is sent away
/// by the reconciler, which the commit wakes: first nobody counts it any more, then it is dropped.
pub(super) async fn take_off_air_in(
    conn: &mut Conn,
    stream: StreamId,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<()> {
    if let Some(row) = active_of_in(conn, stream).await? {
        end_publish_in(conn, &row, reason, now, now).await?;
        wake_reconciler_in(conn).await?;
    }
    if let Some(broadcast) = on_air_in(conn, stream).await? {
        let stopped_at = broadcast.media_stopped_at.unwrap_or(now);
        end_broadcast_in(conn, &broadcast, reason, stopped_at, now).await?;
    }
    Ok(())
}

/// Ends a publish; its broadcast enters the grace.
pub(super) async fn end_publish_in(
    conn: &mut Conn,
    row: &PublishRow,
    reason: EndReason,
    stopped_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::update(publishes::table.find(row.id))
        .set((
            publishes::state.eq("ended"),
            publishes::ended_at.eq(now),
            publishes::end_reason.eq(reason.as_str()),
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
            .filter(broadcasts::state.eq("live")),
    )
    .set((
        broadcasts::state.eq("dropped"),
        broadcasts::dropped_at.eq(now),
        broadcasts::media_stopped_at.eq(stopped_at),
        broadcasts::updated_at.eq(now),
    ))
    .execute(conn)
    .await?;
    Ok(())
}

/// The publish of a stream that is not over.
pub(super) async fn active_of_in(conn: &mut Conn, stream: StreamId) -> Result<Option<PublishRow>> {
    let row = publishes::table
        .filter(publishes::stream_id.eq(stream.0))
        .filter(publishes::state.ne("ended"))
        .select(PublishRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

async fn active_in(conn: &mut Conn, publish: i64) -> Result<Option<PublishRow>> {
    let row = publishes::table
        .find(publish)
        .filter(publishes::state.ne("ended"))
        .filter(publishes::stream_id.is_not_null())
        .select(PublishRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

async fn on_air_in(conn: &mut Conn, stream: StreamId) -> Result<Option<BroadcastRow>> {
    let row = broadcasts::table
        .filter(broadcasts::stream_id.eq(stream.0))
        .filter(broadcasts::state.ne("ended"))
        .select(BroadcastRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

/// Begins a broadcast and tells of it.
async fn begin_in(conn: &mut Conn, node: &str, stream: i64, now: DateTime<Utc>) -> Result<i64> {
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
            broadcasts::state.eq("live"),
            broadcasts::started_at.eq(now),
            broadcasts::created_at.eq(now),
            broadcasts::updated_at.eq(now),
        ))
        .returning(broadcasts::id)
        .get_result(conn)
        .await?;
    let version: i64 = diesel::update(streams::table.find(stream))
        .set((
            streams::status.eq("live"),
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

/// The encoder is back, perhaps on another node: the same broadcast, and nobody is told.
async fn go_on_in(
    conn: &mut Conn,
    broadcast: BroadcastRow,
    node: &str,
    stream: StreamId,
    now: DateTime<Utc>,
) -> Result<i64> {
    diesel::update(broadcasts::table.find(broadcast.id))
        .set((
            broadcasts::state.eq("live"),
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

/// Ends a broadcast, tells of it, and announces its recordings.
async fn end_broadcast_in(
    conn: &mut Conn,
    broadcast: &BroadcastRow,
    reason: EndReason,
    stopped_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let ended_at = stopped_at.max(broadcast.started_at);
    diesel::update(broadcasts::table.find(broadcast.id))
        .set((
            broadcasts::state.eq("ended"),
            broadcasts::ended_at.eq(ended_at),
            broadcasts::end_reason.eq(reason.as_str()),
            broadcasts::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    let stream_id = broadcast.stream_id.ok_or(Error::UnknownState(broadcast.id))?;
    let (user_id, version): (i64, i64) = diesel::update(streams::table.find(stream_id))
        .set((
            streams::status.eq("ended"),
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

fn on_air_of(row: BroadcastRow) -> Result<OnAir> {
    let unknown = || Error::UnknownState(row.id);
    Ok(OnAir {
        id: BroadcastId(row.id),
        stream: StreamId(row.stream_id.ok_or_else(unknown)?),
        state: row.state.parse().map_err(|_| unknown())?,
        dropped_at: row.dropped_at,
    })
}
