//! Publish rejections, which owners can list. Playback names are public, so anyone can cause rejections;
//! hence both their number and their rate are limited.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use primitives::StreamId;

use super::{Conn, Store};
use crate::domain::PublishRejection;
use crate::error::Result;
use crate::schema::publish_refusals;

/// The number of rejections that are kept per stream.
const MAX_PER_STREAM: i64 = 50;
/// Skips a rejection that repeats the reason of one within the last 2 s.
const INSERT: &str = "INSERT INTO publish_refusals (stream_id, reason, refused_at) SELECT $1, $2, $3 \
     WHERE EXISTS (SELECT FROM streams WHERE id = $1) AND NOT EXISTS (SELECT FROM publish_refusals \
     WHERE stream_id = $1 AND reason = $2 AND refused_at > $3 - interval '2 seconds')";
const DELETE_OLD: &str = "DELETE FROM publish_refusals WHERE stream_id = $1 AND id <= \
     (SELECT id FROM publish_refusals WHERE stream_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = publish_refusals, check_for_backend(diesel::pg::Pg))]
pub struct PublishRejectionRow {
    pub reason: PublishRejection,
    pub refused_at: chrono::DateTime<chrono::Utc>,
}

impl Store {
    pub async fn publish_rejection_add(&self, stream: StreamId, reason: PublishRejection) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let added = diesel::sql_query(INSERT)
                    .bind::<BigInt, _>(stream.0)
                    .bind::<Text, _>(reason.as_str())
                    .bind::<Timestamptz, _>(now)
                    .execute(conn)
                    .await?;
                if added > 0 {
                    diesel::sql_query(DELETE_OLD)
                        .bind::<BigInt, _>(stream.0)
                        .bind::<BigInt, _>(MAX_PER_STREAM)
                        .execute(conn)
                        .await?;
                }
                Ok(())
            })
            .await
    }

    /// Returns the latest rejections, newest first.
    pub async fn publish_rejection_list(&self, stream: StreamId) -> Result<Vec<PublishRejectionRow>> {
        self.database
            .read(async move |conn: &mut Conn| {
                Ok(publish_refusals::table
                    .filter(publish_refusals::stream_id.eq(stream.0))
                    .order(publish_refusals::id.desc())
                    .limit(MAX_PER_STREAM)
                    .select(PublishRejectionRow::as_select())
                    .load(conn)
                    .await?)
            })
            .await
    }
}
