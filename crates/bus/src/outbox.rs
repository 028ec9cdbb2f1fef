//! The outbox: an event is written in the transaction that makes it true.

use std::time::SystemTime;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use prost::Message;
use proto::events::v1::Event;
use proto::events::v1::event::Payload;
use storage::Database;
use uuid::Uuid;

use crate::event::routing_key;
use crate::schema::outbox;

/// The channel that wakes the relays.
pub(crate) const CHANNEL: &str = "airwave_outbox";

/// Writes an event into the outbox, inside the caller's transaction: it is told if and only if that commits.
/// The current trace context travels with it.
///
/// # Errors
/// What the database says.
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
        occurred_at: Some(SystemTime::now().into()),
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
    // Delivered at the commit, and once however many events the transaction emits.
    storage::notify(conn, CHANNEL).await?;
    Ok(id)
}

/// How much waits in an outbox, counted up to 10,000, so that a long one is not read through.
#[derive(Debug, Clone, Copy, PartialEq, QueryableByName)]
pub struct Backlog {
    /// Events that wait.
    #[diesel(sql_type = BigInt)]
    pub depth: i64,
    /// How long the oldest has waited, in seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub oldest: Option<f64>,
    /// Events that were offered and that nobody heard.
    #[diesel(sql_type = BigInt)]
    pub unheard: i64,
}

impl Backlog {
    /// What waits in a database's outbox.
    ///
    /// # Errors
    /// The store's.
    pub async fn of(database: &Database) -> storage::Result<Self> {
        let statement = "SELECT count(*) AS depth, extract(epoch FROM now() - min(created_at))::float8 AS oldest, \
                         count(*) FILTER (WHERE attempts > 0) AS unheard \
                         FROM (SELECT created_at, attempts FROM outbox ORDER BY created_at LIMIT 10000) AS first";
        database
            .read(
                async move |conn: &mut AsyncPgConnection| -> storage::Result<Self> {
                    Ok(diesel::sql_query(statement).get_result(conn).await?)
                },
            )
            .await
    }
}
