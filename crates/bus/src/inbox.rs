//! The inbox, which deduplicates events.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::Database;
use uuid::Uuid;

use crate::schema::inbox;

/// How long an event id is kept: longer than any retry or plausible broker outage.
const RETENTION: chrono::Duration = chrono::Duration::days(8);
/// Rows deleted per transaction.
const BATCH_SIZE: u16 = 1000;

/// Records, in the transaction of the effect, that the consumer has handled the event. Returns `false` if it
/// was handled before, in which case the handler must have no effect.
pub async fn inbox_claim(conn: &mut AsyncPgConnection, consumer: &str, event_id: Uuid) -> QueryResult<bool> {
    let row = (inbox::consumer.eq(consumer), inbox::event_id.eq(event_id));
    let inserted = diesel::insert_into(inbox::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// Deletes event ids older than eight days in batches. Returns how many were deleted.
pub async fn inbox_prune(database: &Database) -> storage::Result<usize> {
    let mut deleted = 0;
    loop {
        let batch = database.transaction(async |conn| prune_batch(conn).await).await?;
        deleted += batch;
        if batch < usize::from(BATCH_SIZE) {
            return Ok(deleted);
        }
    }
}

async fn prune_batch(conn: &mut AsyncPgConnection) -> storage::Result<usize> {
    let statement = "DELETE FROM inbox WHERE (consumer, event_id) IN (SELECT consumer, event_id FROM inbox \
                     WHERE created_at < now() - $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let deleted = diesel::sql_query(statement)
        .bind::<diesel::sql_types::Interval, _>(RETENTION)
        .bind::<diesel::sql_types::BigInt, _>(i64::from(BATCH_SIZE))
        .execute(conn)
        .await?;
    Ok(deleted)
}
