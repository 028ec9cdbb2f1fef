//! The inbox: an event that comes twice has one effect.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::Database;
use uuid::Uuid;

use crate::schema::inbox;

/// How long an id is kept: longer than any retry, and longer than a broker that was down over a holiday.
const KEPT: chrono::Duration = chrono::Duration::days(8);
/// Rows that one transaction removes.
const BATCH: u16 = 1000;

/// Writes down, in the transaction of the effect, that the consumer had the event. False: it had it before,
/// and the handler returns without an effect.
///
/// # Errors
/// What the database says.
pub async fn inbox_claim(conn: &mut AsyncPgConnection, consumer: &str, event_id: Uuid) -> QueryResult<bool> {
    let row = (inbox::consumer.eq(consumer), inbox::event_id.eq(event_id));
    let inserted = diesel::insert_into(inbox::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// Removes ids that are older than eight days, in small steps, and says how many.
///
/// # Errors
/// What the database says.
pub async fn inbox_prune(database: &Database) -> storage::Result<usize> {
    let mut removed = 0;
    loop {
        let step = database.transaction(async |conn| prune_step(conn).await).await?;
        removed += step;
        if step < usize::from(BATCH) {
            return Ok(removed);
        }
    }
}

async fn prune_step(conn: &mut AsyncPgConnection) -> storage::Result<usize> {
    let statement = "DELETE FROM inbox WHERE (consumer, event_id) IN (SELECT consumer, event_id FROM inbox \
                     WHERE created_at < now() - $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let removed = diesel::sql_query(statement)
        .bind::<diesel::sql_types::Interval, _>(KEPT)
        .bind::<diesel::sql_types::BigInt, _>(i64::from(BATCH))
        .execute(conn)
        .await?;
    Ok(removed)
}
