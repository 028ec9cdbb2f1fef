//! From accepted to live to over: the transitions of publishes and broadcasts.
//!
//! Whoever asks for one may be late or second: each looks at the rows again under the stream's lock, and does
//! nothing when they say something else by then.

mod transitions;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz};
use diesel_async::RunQueryDsl;
use primitives::{BroadcastId, StreamId};
use tracing::Instrument;

use transitions::{begin_in, end_broadcast_in, go_on_in};
pub(super) use transitions::{end_publish_in, take_off_air_in};

use super::streams::lock_in;
use super::{Conn, Store};
use crate::domain::{ActivePublish, BroadcastState, EndReason, OnAir, Progress, PublishState, View};
use crate::error::{Error, Result};
use crate::schema::{broadcasts, publishes};

/// A publish as the transitions need it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = publishes, check_for_backend(diesel::pg::Pg))]
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

    /// The media of a publish flows: its broadcast begins, or goes on after a short drop. Continues the trace
    /// of the hook that let the encoder in.
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
                // An encoder that was let in meanwhile brings it back, or expires and leaves it to the next
                // look.
                if active_of_in(conn, stream).await?.is_some() {
                    return Ok(());
                }
                let stopped_at = row.media_stopped_at.unwrap_or(now);
                end_broadcast_in(conn, &row, EndReason::PublisherGone, stopped_at, now).await
            })
            .await
    }
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

fn on_air_of(row: BroadcastRow) -> Result<OnAir> {
    let unknown = || Error::UnknownState(row.id);
    Ok(OnAir {
        id: BroadcastId(row.id),
        stream: StreamId(row.stream_id.ok_or_else(unknown)?),
        state: row.state.parse().map_err(|_| unknown())?,
        dropped_at: row.dropped_at,
    })
}
