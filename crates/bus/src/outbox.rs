//! The transactional outbox.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use prost::Message;
use proto::events::v1::Event;
use proto::events::v1::event::Payload;
use storage::Database;
use uuid::Uuid;

use crate::event::routing_key;
use crate::schema::outbox;

/// The PostgreSQL channel that wakes the relays.
pub(crate) const CHANNEL: &str = "airwave_outbox";

/// Writes an event to the outbox inside the caller's transaction: it is published if and only if that
/// commits. It occurs at the start of the transaction and carries the current trace context.
pub async fn emit(
    conn: &mut AsyncPgConnection,
    payload: Payload,
    aggregate_id: i64,
    version: i64,
) -> QueryResult<Uuid> {
    let id = Uuid::now_v7();
    let key = routing_key(&payload);
    let event = Event {
        id: id.to_string(),
        aggregate_id,
        version,
        occurred_at: Some(proto::time::timestamp(wake_relays(conn).await?)),
        payload: Some(payload),
    };
    let headers = serde_json::to_value(proto::trace::current_context())
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let row = (
        outbox::id.eq(id),
        outbox::routing_key.eq(key),
        outbox::payload.eq(event.encode_to_vec()),
        outbox::headers.eq(headers),
    );
    diesel::insert_into(outbox::table)
        .values(row)
        .execute(conn)
        .await?;
    Ok(id)
}

#[derive(QueryableByName)]
struct TransactionTime {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// Notifies the relays when the transaction commits, once however many events it emits. Returns the time at
/// which it began, in the same query to save a round trip.
async fn wake_relays(conn: &mut AsyncPgConnection) -> QueryResult<DateTime<Utc>> {
    let statement = diesel::sql_query("SELECT now() AS now FROM pg_notify($1, '')");
    let statement = statement.bind::<diesel::sql_types::Text, _>(CHANNEL);
    Ok(statement.get_result::<TransactionTime>(conn).await?.now)
}

/// The backlog of an outbox. Counts stop at 10,000, so that a long outbox is not scanned completely.
#[derive(Debug, Clone, Copy, PartialEq, QueryableByName)]
pub struct Backlog {
    /// Unpublished events.
    #[diesel(sql_type = BigInt)]
    pub depth: i64,
    /// The age of the oldest event.
    #[diesel(sql_type = Nullable<Double>)]
    pub oldest_seconds: Option<f64>,
    /// Events without a queue, or not confirmed by the broker, at least once.
    #[diesel(sql_type = BigInt)]
    pub deferred: i64,
}

impl Backlog {
    /// Measures a database's outbox.
    pub async fn of(database: &Database) -> storage::Result<Self> {
        let statement = "SELECT count(*) AS depth, \
                         extract(epoch FROM now() - min(created_at))::float8 AS oldest_seconds, \
                         count(*) FILTER (WHERE attempts > 0) AS deferred \
                         FROM (SELECT created_at, attempts FROM outbox \
                         ORDER BY created_at LIMIT 10000) AS first";
        database
            .read(
                async move |conn: &mut AsyncPgConnection| -> storage::Result<Self> {
                    Ok(diesel::sql_query(statement).get_result(conn).await?)
                },
            )
            .await
    }
}
