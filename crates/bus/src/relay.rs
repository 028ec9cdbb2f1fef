//! From the outbox to the broker.
//!
//! A batch of rows is locked, published, and deleted after the confirms, in one short transaction; rows that
//! another relay has locked are skipped, so any number of relays share the work. A relay that dies lets its
//! locks go and the rows are published again: at least once, in no promised order. While the broker is away
//! nothing is locked at all.

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
use crate::publisher::{Outcome, Outgoing, Publisher};
use crate::schema::outbox;
use crate::topology::EVENTS;
use crate::{Bus, Error};

/// Rows that one transaction takes.
const BATCH: i64 = 100;
/// How long a row may wait when its notification was lost.
const POLL: Duration = Duration::from_secs(1);
/// Between two looks at the outbox's depth.
const GAUGE: Duration = Duration::from_secs(10);
/// The longest pause before an event that nobody hears is offered again, in seconds.
const UNHEARD: i32 = 30;
/// The longest pause before an event that the broker did not take is offered again, in seconds.
const REFUSED: i32 = 4;

/// Publishes what transactions have emitted.
#[derive(Debug)]
pub struct Relay {
    database: Database,
    bus: Bus,
}

impl Relay {
    /// Publishes the outbox of a database until told to stop. Every replica of a service runs one.
    pub async fn run(database: Database, bus: Bus, shutdown: CancellationToken) {
        let wakeups = storage::listen(&database, CHANNEL);
        let publisher = Arc::new(Mutex::new(Publisher::new(&bus)));
        let relay = Self { database, bus };
        let gauges = relay.keep_gauges();
        let work = async {
            loop {
                relay.bus.publishing().connected().await;
                match relay.batch(&publisher).await {
                    Ok(full) if full => continue,
                    Ok(_) => {}
                    Err(Error::Disconnected | Error::Blocked) => sleep(POLL).await,
                    Err(error) => {
                        tracing::warn!(%error, "outbox not relayed, trying again");
                        sleep(POLL).await;
                    }
                }
                tokio::select! {
                    () = wakeups.notified() => {}
                    () = sleep(POLL) => {}
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work => {}
            () = gauges => {}
        }
        // What the last requests have emitted leaves with this process, if the broker is there.
        if relay.bus.is_connected() {
            let _ = relay.batch(&publisher).await;
        }
    }

    /// Publishes one batch; true when there may be more.
    async fn batch(&self, publisher: &Arc<Mutex<Publisher>>) -> Result<bool, Error> {
        // Whatever the broker has to say first, it says while no row is locked.
        publisher.lock().await.ready().await?;
        let publisher = Arc::clone(publisher);
        self.database
            .transaction(async move |conn: &mut AsyncPgConnection| {
                let rows = due(conn).await?;
                if rows.is_empty() {
                    return Ok(false);
                }
                let full = rows.len() as i64 == BATCH;
                let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
                let outcomes = publisher
                    .lock()
                    .await
                    .publish_all(rows.into_iter().map(outgoing).collect())
                    .await?;
                settle(conn, &ids, &outcomes).await?;
                Ok(full && outcomes.iter().all(|outcome| *outcome == Outcome::Confirmed))
            })
            .instrument(info_span!("relay"))
            .await
    }

    async fn keep_gauges(&self) {
        let mut next = Instant::now();
        loop {
            tokio::time::sleep_until(next).await;
            next = Instant::now() + GAUGE;
            match Backlog::of(&self.database).await {
                Ok(backlog) => {
                    gauge!("bus_outbox_depth").set(backlog.depth as f64);
                    gauge!("bus_outbox_oldest_seconds").set(backlog.oldest.unwrap_or(0.0));
                    gauge!("bus_outbox_unheard").set(backlog.unheard as f64);
                }
                Err(error) => tracing::warn!(%error, "the outbox cannot be counted"),
            }
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    routing_key: String,
    payload: Vec<u8>,
    headers: serde_json::Value,
}

async fn due(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Row>> {
    outbox::table
        .filter(outbox::due_at.le(diesel::dsl::now))
        .order((outbox::due_at, outbox::id))
        .limit(BATCH)
        .for_update()
        .skip_locked()
        .select(Row::as_select())
        .load(conn)
        .await
}

/// The message of a row. Its span joins the trace of the transaction that emitted it, and the consumer's
/// joins this span.
fn outgoing(row: Row) -> Outgoing {
    let stored: std::collections::HashMap<String, String> =
        serde_json::from_value(row.headers).unwrap_or_default();
    let span = info_span!(parent: None, "publish", otel.kind = "producer", key = row.routing_key, event_id = %row.id);
    proto::trace::continue_from(&span, &Carrier::from(stored));
    let headers = span.in_scope(proto::trace::current_context);
    Outgoing {
        exchange: EVENTS.to_owned(),
        key: row.routing_key,
        id: row.id.to_string(),
        headers: table(headers),
        body: row.payload,
    }
}

/// Deletes what the broker has, and puts the rest off, longer each time: an event that nobody hears yet stays
/// and does not hold up the others.
async fn settle(conn: &mut AsyncPgConnection, ids: &[Uuid], outcomes: &[Outcome]) -> Result<(), Error> {
    let with = |wanted: Outcome| -> Vec<Uuid> {
        ids.iter()
            .zip(outcomes)
            .filter(|(_, outcome)| **outcome == wanted)
            .map(|(id, _)| *id)
            .collect()
    };
    let confirmed = with(Outcome::Confirmed);
    diesel::delete(outbox::table.filter(outbox::id.eq_any(&confirmed)))
        .execute(conn)
        .await?;
    counter!("bus_outbox_published_total").increment(confirmed.len() as u64);
    for (outcome, longest, name) in [
        (Outcome::Returned, UNHEARD, "bus_outbox_unroutable_total"),
        (Outcome::Failed, REFUSED, "bus_outbox_failed_total"),
    ] {
        let late = with(outcome);
        if !late.is_empty() {
            put_off(conn, &late, longest).await?;
            counter!(name).increment(late.len() as u64);
            tracing::debug!(?outcome, events = late.len(), "events put off");
        }
    }
    Ok(())
}

async fn put_off(conn: &mut AsyncPgConnection, ids: &[Uuid], longest: i32) -> QueryResult<usize> {
    let statement = "UPDATE outbox SET attempts = attempts + 1, updated_at = now(), \
                     due_at = now() + make_interval(secs => least(2 ^ least(attempts, 20), $1)) WHERE id = ANY($2)";
    diesel::sql_query(statement)
        .bind::<Integer, _>(longest)
        .bind::<Array<diesel::sql_types::Uuid>, _>(ids)
        .execute(conn)
        .await
}
