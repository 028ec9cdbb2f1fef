//! Publishes the outbox.
//!
//! One short transaction locks a batch of rows, publishes them, and deletes them after the confirms. Rows
//! that another relay has locked are skipped, so any number of relays share the work. When a relay crashes, its
//! locks are released and the rows are published again: delivery is at least once, in no particular order.
//! No rows are locked while the broker is unavailable.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use metrics::{counter, gauge};
use storage::Database;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};
use uuid::Uuid;

use crate::headers::{Carrier, table};
use crate::outbox::{Backlog, CHANNEL};
use crate::publisher::{OutgoingMessage, PublishOutcome, Publisher};
use crate::schema::outbox;
use crate::topology::EVENTS;
use crate::{Bus, Error};

/// Rows per transaction.
const BATCH_SIZE: i64 = 100;
/// Polling finds rows whose notification was lost.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const GAUGE_INTERVAL: Duration = Duration::from_secs(10);
/// The longest delay before an event without a queue is published again, in seconds.
const MAX_UNROUTABLE_DELAY: i32 = 30;
/// The longest delay before an event that the broker did not confirm is published again, in seconds.
const MAX_UNCONFIRMED_DELAY: i32 = 4;

/// Publishes the events in an outbox.
#[derive(Debug)]
pub struct Relay {
    database: Database,
    bus: Bus,
}

impl Relay {
    /// Publishes the outbox of a database until shutdown. Every replica of a service runs one.
    pub async fn run(database: Database, bus: Bus, shutdown: CancellationToken) {
        let wakeups = storage::listen(&database, CHANNEL);
        let publisher = Arc::new(Mutex::new(Publisher::new(&bus)));
        let relay = Self { database, bus };
        let gauges = relay.update_gauges();
        let work = async {
            loop {
                relay.bus.publishing().connected().await;
                match relay.batch(&publisher).await {
                    Ok(full) if full => continue,
                    Ok(_) => {}
                    Err(Error::Disconnected | Error::Blocked) => sleep(POLL_INTERVAL).await,
                    Err(error) => {
                        tracing::warn!(%error, "cannot relay the outbox, retrying");
                        sleep(POLL_INTERVAL).await;
                    }
                }
                tokio::select! {
                    () = wakeups.notified() => {}
                    () = sleep(POLL_INTERVAL) => {}
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work => {}
            () = gauges => {}
        }
        // Publish the events of the last requests before the process ends.
        if relay.bus.is_connected() {
            let _ = relay.batch(&publisher).await;
        }
    }

    /// Publishes one batch. Returns whether there may be more.
    async fn batch(&self, publisher: &Arc<Mutex<Publisher>>) -> Result<bool, Error> {
        // Open the channel before any row is locked.
        publisher.lock().await.ready().await?;
        let publisher = Arc::clone(publisher);
        self.database
            .transaction(async move |conn: &mut AsyncPgConnection| {
                let rows = due(conn).await?;
                if rows.is_empty() {
                    return Ok(false);
                }
                let full = rows.len() as i64 == BATCH_SIZE;
                let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
                let outcomes = publisher
                    .lock()
                    .await
                    .publish_all(rows.into_iter().map(outgoing).collect())
                    .await?;
                settle(conn, &ids, &outcomes).await?;
                Ok(full
                    && outcomes
                        .iter()
                        .all(|outcome| *outcome == PublishOutcome::Confirmed))
            })
            .instrument(info_span!("relay"))
            .await
    }

    async fn update_gauges(&self) {
        let mut next = Instant::now();
        loop {
            tokio::time::sleep_until(next).await;
            next = Instant::now() + GAUGE_INTERVAL;
            match Backlog::of(&self.database).await {
                Ok(backlog) => {
                    gauge!("bus_outbox_depth").set(backlog.depth as f64);
                    gauge!("bus_outbox_oldest_seconds").set(backlog.oldest_seconds.unwrap_or(0.0));
                    gauge!("bus_outbox_unheard").set(backlog.deferred as f64);
                }
                Err(error) => tracing::warn!(%error, "cannot measure the outbox"),
            }
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox, check_for_backend(diesel::pg::Pg))]
struct OutboxRow {
    id: Uuid,
    routing_key: String,
    payload: Vec<u8>,
    headers: serde_json::Value,
}

async fn due(conn: &mut AsyncPgConnection) -> QueryResult<Vec<OutboxRow>> {
    outbox::table
        .filter(outbox::due_at.le(diesel::dsl::now))
        .order((outbox::due_at, outbox::id))
        .limit(BATCH_SIZE)
        .for_update()
        .skip_locked()
        .select(OutboxRow::as_select())
        .load(conn)
        .await
}

/// Builds the message of a row. Its span joins the trace of the transaction that emitted the event, and the
/// consumer's span joins this one.
fn outgoing(row: OutboxRow) -> OutgoingMessage {
    let stored: std::collections::HashMap<String, String> =
        serde_json::from_value(row.headers).unwrap_or_default();
    let span = info_span!(
        parent: None,
        "publish",
        otel.kind = "producer",
        key = row.routing_key,
        event_id = %row.id,
    );
    proto::trace::continue_from(&span, &Carrier::from(stored));
    let headers = span.in_scope(proto::trace::current_context);
    OutgoingMessage {
        exchange: EVENTS.to_owned(),
        key: row.routing_key,
        id: row.id.to_string(),
        headers: table(headers),
        body: row.payload,
    }
}

/// Deletes confirmed events and defers the others, longer each time, so that an event without a queue does
/// not block the rest.
async fn settle(
    conn: &mut AsyncPgConnection,
    ids: &[Uuid],
    outcomes: &[PublishOutcome],
) -> Result<(), Error> {
    let with = |wanted: PublishOutcome| -> Vec<Uuid> {
        ids.iter()
            .zip(outcomes)
            .filter(|(_, outcome)| **outcome == wanted)
            .map(|(id, _)| *id)
            .collect()
    };
    let confirmed = with(PublishOutcome::Confirmed);
    diesel::delete(outbox::table.filter(outbox::id.eq_any(&confirmed)))
        .execute(conn)
        .await?;
    counter!("bus_outbox_published_total").increment(confirmed.len() as u64);
    for (outcome, max_delay, name) in [
        (
            PublishOutcome::Returned,
            MAX_UNROUTABLE_DELAY,
            "bus_outbox_unroutable_total",
        ),
        (
            PublishOutcome::Failed,
            MAX_UNCONFIRMED_DELAY,
            "bus_outbox_failed_total",
        ),
    ] {
        let deferred = with(outcome);
        if !deferred.is_empty() {
            defer(conn, &deferred, max_delay).await?;
            counter!(name).increment(deferred.len() as u64);
            tracing::debug!(?outcome, events = deferred.len(), "events deferred");
        }
    }
    Ok(())
}

async fn defer(conn: &mut AsyncPgConnection, ids: &[Uuid], max_delay: i32) -> QueryResult<usize> {
    let statement = "UPDATE outbox SET attempts = attempts + 1, updated_at = now(), \
                     due_at = now() + make_interval(secs => least(2 ^ least(attempts, 20), $1)) \
                     WHERE id = ANY($2)";
    diesel::sql_query(statement)
        .bind::<Integer, _>(max_delay)
        .bind::<Array<diesel::sql_types::Uuid>, _>(ids)
        .execute(conn)
        .await
}
