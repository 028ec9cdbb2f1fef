//! Fan-outs whose job failed, had its time, or is long over.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::Database;

use super::{JOB_TIME, Row, StoredFanout};
use crate::domain::retry_delay;
use crate::error::Result;
use crate::schema::fanouts as f;

/// Bytes kept of an error's text.
const ERROR_BYTES: usize = 500;
/// Rows that one transaction removes.
const BATCH: i64 = 1000;

/// Writes down that the job of the present page failed; the page rests for a while, longer each time.
///
/// # Errors
/// The store's.
pub async fn fanout_failed(
    database: &Database,
    id: i64,
    job_after: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let reason = reason
        .get(..reason.floor_char_boundary(ERROR_BYTES))
        .unwrap_or_default()
        .to_owned();
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let present = f::id
                .eq(id)
                .and(f::state.eq("running"))
                .and(f::after_follower_id.eq(job_after));
            let attempts: Option<i32> = f::table
                .filter(present)
                .for_update()
                .select(f::attempts)
                .first(conn)
                .await
                .optional()?;
            let Some(attempts) = attempts.map(|n| n.saturating_add(1)) else {
                return Ok(());
            };
            let rest = retry_delay(attempts.unsigned_abs());
            diesel::update(f::table.find(id))
                .set((
                    f::attempts.eq(attempts),
                    f::last_error.eq(reason),
                    f::due_at.eq(now + rest),
                    f::updated_at.eq(diesel::dsl::now),
                ))
                .execute(conn)
                .await?;
            Ok(())
        })
        .await
}

/// Fan-outs that go on and whose job had its time, the most urgent first. What is older than `give_up` is
/// abandoned instead: it is no news any more.
///
/// # Errors
/// The store's.
pub async fn fanouts_due(
    database: &Database,
    limit: i64,
    give_up: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<StoredFanout>> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let running = f::table.filter(f::state.eq("running").and(f::due_at.le(now)));
            let rows: Vec<Row> = running
                .order(f::due_at)
                .limit(limit)
                .for_update()
                .skip_locked()
                .select(Row::as_select())
                .load(conn)
                .await?;
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            diesel::update(f::table.filter(f::id.eq_any(&ids).and(f::created_at.lt(give_up))))
                .set((f::state.eq("abandoned"), f::updated_at.eq(diesel::dsl::now)))
                .execute(conn)
                .await?;
            let left = f::table.filter(f::id.eq_any(&ids).and(f::state.eq("running")));
            diesel::update(left.clone())
                .set(f::due_at.eq(now + JOB_TIME))
                .execute(conn)
                .await?;
            let rows: Vec<Row> = left.order(f::id).select(Row::as_select()).load(conn).await?;
            rows.into_iter().map(StoredFanout::try_from).collect()
        })
        .await
}

/// Removes one batch of the fan-outs that ended and were begun before a time, and says how many.
///
/// # Errors
/// The store's.
pub async fn fanouts_prune(database: &Database, before: DateTime<Utc>) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let statement = "DELETE FROM fanouts WHERE id IN (SELECT id FROM fanouts WHERE created_at < $1 \
                             AND state <> 'running' ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
            let removed = diesel::sql_query(statement)
                .bind::<Timestamptz, _>(before)
                .bind::<BigInt, _>(BATCH)
                .execute(conn)
                .await?;
            Ok(removed)
        })
        .await
}
