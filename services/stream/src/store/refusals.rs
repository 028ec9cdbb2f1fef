//! Why publishes were refused, for the owner's eyes. Playback names are public, so anybody may cause
//! refusals: what is written is bounded in number and in pace.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use primitives::StreamId;

use super::{Conn, Store};
use crate::domain::Refusal;
use crate::error::Result;
use crate::schema::publish_refusals;

/// Refusals that are kept of each stream.
const KEPT: i64 = 50;
/// Refusals for the same reason within so many seconds count once.
const PACE: &str = "INSERT INTO publish_refusals (stream_id, reason, refused_at) SELECT $1, $2, $3 \
     WHERE EXISTS (SELECT FROM streams WHERE id = $1) AND NOT EXISTS (SELECT FROM publish_refusals \
     WHERE stream_id = $1 AND reason = $2 AND refused_at > $3 - interval '2 seconds')";
const BOUND: &str = "DELETE FROM publish_refusals WHERE stream_id = $1 AND id <= \
     (SELECT id FROM publish_refusals WHERE stream_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)";

/// A refusal as the owner reads it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = publish_refusals, check_for_backend(diesel::pg::Pg))]
pub struct RefusalRow {
    pub reason: String,
    pub refused_at: chrono::DateTime<chrono::Utc>,
}

impl Store {
    /// Writes a refusal down.
    ///
    /// # Errors
    /// What the database says.
    pub async fn refusal_add(&self, stream: StreamId, refusal: Refusal) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let added = diesel::sql_query(PACE)
                    .bind::<BigInt, _>(stream.0)
                    .bind::<Text, _>(refusal.as_str())
                    .bind::<Timestamptz, _>(now)
                    .execute(conn)
                    .await?;
                if added > 0 {
                    diesel::sql_query(BOUND)
                        .bind::<BigInt, _>(stream.0)
                        .bind::<BigInt, _>(KEPT)
                        .execute(conn)
                        .await?;
                }
                Ok(())
            })
            .await
    }

    /// The latest refusals, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn refusal_list(&self, stream: StreamId) -> Result<Vec<RefusalRow>> {
        self.database
            .read(async move |conn: &mut Conn| {
                Ok(publish_refusals::table
                    .filter(publish_refusals::stream_id.eq(stream.0))
                    .order(publish_refusals::id.desc())
                    .limit(KEPT)
                    .select(RefusalRow::as_select())
                    .load(conn)
                    .await?)
            })
            .await
    }
}
