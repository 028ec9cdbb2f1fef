//! The transitions of publishes and broadcasts, from accepted to live to ended.
//!
//! Callers may be late, or not the first. Each transition checks the rows again under the lock of the stream,
//! and does nothing if another one came first.

mod transitions;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use primitives::{BroadcastId, StreamId};
use tracing::Instrument;

use transitions::{end_broadcast_in, resume_broadcast_in, start_broadcast_in};
pub(super) use transitions::{end_publish_in, take_off_air_in};

use super::streams::lock_in;
use super::{Conn, Store};
use crate::domain::{
    ActivePublish, BroadcastState, EndReason, MediaProgress, OnAirState, OngoingBroadcast, PublishState,
};
use crate::error::{Error, Result};
use crate::schema::{broadcasts, publishes};

const RECORD_PROGRESS: &str = "UPDATE publishes SET media_bytes = progress.bytes, seen_at = progress.seen, \
     grew_at = progress.grew, updated_at = progress.seen \
     FROM unnest($1, $2, $3, $4) AS progress (id, bytes, seen, grew) \
     WHERE publishes.id = progress.id AND publishes.state <> $5";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = publishes, check_for_backend(diesel::pg::Pg))]
pub struct PublishRow {
    pub id: i64,
    /// `None` once the stream is deleted.
    pub stream_id: Option<i64>,
    /// `None` until media arrives.
    pub broadcast_id: Option<i64>,
    pub node: String,
    pub boot_id: String,
    pub client_id: i64,
    pub playback_name: String,
    pub key_fingerprint: String,
    pub state: PublishState,
    pub accepted_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<EndReason>,
    pub media_bytes: i64,
    pub seen_at: DateTime<Utc>,
    pub grew_at: DateTime<Utc>,
}

impl PublishRow {
    /// Converts the row of a publish that has not ended.
    pub fn to_active(&self) -> Result<ActivePublish> {
        let corrupt = || Error::CorruptRow {
            table: "publishes",
            row: self.id,
        };
        Ok(ActivePublish {
            id: self.id,
            stream: StreamId(self.stream_id.ok_or_else(corrupt)?),
            broadcast: self.broadcast_id.map(BroadcastId),
            playback_name: self.playback_name.clone(),
            node: self.node.parse().map_err(|_| corrupt())?,
            client: self.client_id,
            state: self.state,
            accepted_at: self.accepted_at,
            progress: self.progress(),
        })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state == PublishState::Ended
    }

    pub(super) fn progress(&self) -> MediaProgress {
        MediaProgress {
            bytes: u64::try_from(self.media_bytes).unwrap_or(0),
            seen_at: self.seen_at,
            grew_at: self.grew_at,
        }
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(diesel::pg::Pg))]
struct BroadcastRow {
    id: i64,
    stream_id: Option<i64>,
    state: BroadcastState,
    started_at: DateTime<Utc>,
    dropped_at: Option<DateTime<Utc>>,
    media_stopped_at: Option<DateTime<Utc>>,
}

impl BroadcastRow {
    /// Returns the stream, which a broadcast keeps until it has ended.
    fn stream(&self) -> Result<StreamId> {
        let corrupt = Error::CorruptRow {
            table: "broadcasts",
            row: self.id,
        };
        self.stream_id.map(StreamId).ok_or(corrupt)
    }

    fn to_ongoing(&self) -> Result<OngoingBroadcast> {
        Ok(OngoingBroadcast {
            id: BroadcastId(self.id),
            stream: self.stream()?,
            state: self.state,
            started_at: self.started_at,
            dropped_at: self.dropped_at,
        })
    }
}

impl Store {
    /// Returns all publishes and broadcasts that have not ended.
    pub async fn on_air_state(&self) -> Result<OnAirState> {
        self.database
            .read(async |conn: &mut Conn| {
                let rows: Vec<PublishRow> = publishes::table
                    .filter(publishes::state.ne(PublishState::Ended))
                    .select(PublishRow::as_select())
                    .load(conn)
                    .await?;
                Ok(OnAirState {
                    publishes: rows.iter().map(PublishRow::to_active).collect::<Result<_>>()?,
                    broadcasts: ongoing_in(conn).await?,
                })
            })
            .await
    }

    pub async fn ongoing_broadcasts(&self) -> Result<Vec<OngoingBroadcast>> {
        self.database
            .read(async |conn: &mut Conn| ongoing_in(conn).await)
            .await
    }

    /// Stores the progress of publishes, by id.
    pub async fn publish_record_progress(&self, progress: Vec<(i64, MediaProgress)>) -> Result<()> {
        if progress.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = progress.iter().map(|(id, _)| *id).collect();
        let bytes: Vec<i64> = progress
            .iter()
            .map(|(_, p)| i64::try_from(p.bytes).unwrap_or(i64::MAX))
            .collect();
        let seen: Vec<DateTime<Utc>> = progress.iter().map(|(_, p)| p.seen_at).collect();
        let grew: Vec<DateTime<Utc>> = progress.iter().map(|(_, p)| p.grew_at).collect();
        self.database
            .transaction(async move |conn: &mut Conn| {
                diesel::sql_query(RECORD_PROGRESS)
                    .bind::<Array<BigInt>, _>(ids)
                    .bind::<Array<BigInt>, _>(bytes)
                    .bind::<Array<Timestamptz>, _>(seen)
                    .bind::<Array<Timestamptz>, _>(grew)
                    .bind::<Text, _>(PublishState::Ended.as_str())
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await
    }

    /// Starts the broadcast of a publish whose media has arrived, or resumes the one in its reconnect grace.
    /// Continues the trace of the hook that accepted the encoder.
    pub async fn publish_go_live(&self, publish: i64, stream: StreamId) -> Result<()> {
        let trace = self.trace_of(publish).await?;
        let span = tracing::info_span!(
            parent: None,
            "transaction",
            otel.name = "stream.go_live",
            stream_id = stream.0
        );
        proto::trace::continue_from(&span, &trace);
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                if lock_in(conn, stream).await?.is_none() {
                    return Ok(());
                }
                let Some(row) = active_in(conn, publish).await? else {
                    return Ok(());
                };
                if row.state != PublishState::Starting {
                    return Ok(());
                }
                let broadcast = match ongoing_of_in(conn, stream).await? {
                    Some(ongoing) => resume_broadcast_in(conn, &ongoing, &row.node, stream, now).await?,
                    None => start_broadcast_in(conn, &row.node, stream, now).await?,
                };
                diesel::update(publishes::table.find(publish))
                    .set((
                        publishes::state.eq(PublishState::Live),
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

    /// Ends a publish, and its broadcast too if the node is lost.
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
                    && let Some(broadcast) = ongoing_of_in(conn, stream).await?
                {
                    end_broadcast_in(conn, &broadcast, reason, stopped_at, now).await?;
                }
                Ok(())
            })
            .await
    }

    /// Ends a broadcast whose reconnect grace has passed.
    pub async fn broadcast_end(&self, broadcast: BroadcastId, stream: StreamId) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                lock_in(conn, stream).await?;
                let ongoing = ongoing_of_in(conn, stream).await?;
                let dropped =
                    ongoing.filter(|row| row.id == broadcast.0 && row.state == BroadcastState::Dropped);
                let Some(row) = dropped else { return Ok(()) };
                // An encoder that was accepted meanwhile either resumes the broadcast or expires. In the
                // latter case the next poll ends the broadcast.
                if active_of_in(conn, stream).await?.is_some() {
                    return Ok(());
                }
                let stopped_at = row.media_stopped_at.unwrap_or(now);
                end_broadcast_in(conn, &row, EndReason::PublisherGone, stopped_at, now).await
            })
            .await
    }
}

/// Returns the publish of a stream that has not ended.
pub(super) async fn active_of_in(conn: &mut Conn, stream: StreamId) -> Result<Option<PublishRow>> {
    let row = publishes::table
        .filter(publishes::stream_id.eq(stream.0))
        .filter(publishes::state.ne(PublishState::Ended))
        .select(PublishRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

async fn active_in(conn: &mut Conn, publish: i64) -> Result<Option<PublishRow>> {
    let row = publishes::table
        .find(publish)
        .filter(publishes::state.ne(PublishState::Ended))
        .filter(publishes::stream_id.is_not_null())
        .select(PublishRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

async fn ongoing_of_in(conn: &mut Conn, stream: StreamId) -> Result<Option<BroadcastRow>> {
    let row = broadcasts::table
        .filter(broadcasts::stream_id.eq(stream.0))
        .filter(broadcasts::state.ne(BroadcastState::Ended))
        .select(BroadcastRow::as_select())
        .first(conn)
        .await;
    Ok(row.optional()?)
}

async fn ongoing_in(conn: &mut Conn) -> Result<Vec<OngoingBroadcast>> {
    let rows: Vec<BroadcastRow> = broadcasts::table
        .filter(broadcasts::state.ne(BroadcastState::Ended))
        .select(BroadcastRow::as_select())
        .load(conn)
        .await?;
    rows.iter().map(BroadcastRow::to_ongoing).collect()
}
