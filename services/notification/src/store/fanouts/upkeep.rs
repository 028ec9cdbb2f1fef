//! Fan-outs whose job failed or is overdue, and the pruning of ended ones.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::Database;

use super::{FanoutRow, FanoutStatus, JOB_TIMEOUT, StoredFanout};
use crate::domain::retry_delay;
use crate::error::Result;
use crate::schema::fanouts as f;

/// Bytes of an error message that are stored.
const MAX_ERROR_LENGTH: usize = 500;
/// Rows that one transaction removes.
const PRUNE_BATCH: i64 = 1000;

/// Records that the job of the page after `job_after` failed, and delays its next attempt by [`retry_delay`].
/// Does nothing if that is no longer the current page.
pub async fn fanout_failed(
    database: &Database,
    id: i64,
    job_after: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let reason = primitives::text::excerpt(reason, MAX_ERROR_LENGTH);
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let current = f::id
                .eq(id)
                .and(f::state.eq(FanoutStatus::Running.as_str()))
                .and(f::after_follower_id.eq(job_after));
            let attempts: Option<i32> = f::table
                .filter(current)
                .for_update()
                .select(f::attempts)
                .first(conn)
                .await
                .optional()?;
            let Some(attempts) = attempts.map(|n| n.saturating_add(1)) else {
                return Ok(());
            };
            let delay = retry_delay(attempts.unsigned_abs());
            diesel::update(f::table.find(id))
                .set((
                    f::attempts.eq(attempts),
                    f::last_error.eq(reason),
                    f::due_at.eq(now + delay),
                    f::updated_at.eq(diesel::dsl::now),
                ))
                .execute(conn)
                .await?;
            Ok(())
        })
        .await
}

/// Returns up to `limit` running fan-outs whose job is overdue, the most overdue ones if there are more, and
/// makes them due again later. Abandons those created before `abandon_before` instead: they are no longer
/// news.
pub async fn fanouts_due(
    database: &Database,
    limit: i64,
    abandon_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<StoredFanout>> {
    let running = FanoutStatus::Running.as_str();
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let ids: Vec<i64> = f::table
                .filter(f::state.eq(running).and(f::due_at.le(now)))
                .order(f::due_at)
                .limit(limit)
                .for_update()
                .skip_locked()
                .select(f::id)
                .load(conn)
                .await?;
            let too_old = f::id.eq_any(&ids).and(f::created_at.lt(abandon_before));
            diesel::update(f::table.filter(too_old))
                .set((
                    f::state.eq(FanoutStatus::Abandoned.as_str()),
                    f::updated_at.eq(diesel::dsl::now),
                ))
                .execute(conn)
                .await?;
            let remaining = f::table.filter(f::id.eq_any(&ids).and(f::state.eq(running)));
            diesel::update(remaining.clone())
                .set(f::due_at.eq(now + JOB_TIMEOUT))
                .execute(conn)
                .await?;
            let rows: Vec<FanoutRow> = remaining
                .order(f::id)
                .select(FanoutRow::as_select())
                .load(conn)
                .await?;
            rows.into_iter().map(StoredFanout::try_from).collect()
        })
        .await
}

/// Removes one batch of ended fan-outs created before a time. Returns how many.
pub async fn fanouts_prune(database: &Database, before: DateTime<Utc>) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let ended = f::table
                .filter(
                    f::created_at
                        .lt(before)
                        .and(f::state.ne(FanoutStatus::Running.as_str())),
                )
                .order(f::created_at)
                .limit(PRUNE_BATCH)
                .for_update()
                .skip_locked()
                .select(f::id);
            let ids: Vec<i64> = ended.load(conn).await?;
            Ok(diesel::delete(f::table.filter(f::id.eq_any(ids)))
                .execute(conn)
                .await?)
        })
        .await
}
