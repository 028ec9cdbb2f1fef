//! Deleted accounts, and the removal of their rows: their own notifications, and those that name them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::UserId;
use storage::Database;

use crate::domain::NotificationKind;
use crate::error::Result;
use crate::schema::{fanouts as f, notifications as n, purges as p};

/// Rows that one transaction removes.
const BATCH: i64 = 1000;

/// Records, in the transaction of the event, that an account was deleted.
pub async fn purge_create(conn: &mut AsyncPgConnection, user: UserId) -> Result<()> {
    diesel::insert_into(p::table)
        .values(p::user_id.eq(user.0))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns up to `limit` deleted accounts that still have rows, the oldest first.
pub async fn purges_unfinished(database: &Database, limit: i64) -> Result<Vec<UserId>> {
    database
        .read(async move |conn: &mut AsyncPgConnection| {
            let unfinished = p::table
                .filter(p::finished_at.is_null())
                .order(p::created_at)
                .limit(limit);
            let ids: Vec<i64> = unfinished.select(p::user_id).load(conn).await?;
            Ok(ids.into_iter().map(UserId).collect())
        })
        .await
}

/// Removes one batch of an account's rows. Returns true once nothing is left.
pub async fn purge_batch(database: &Database, user: UserId, now: DateTime<Utc>) -> Result<bool> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let as_follower = f::type_
                .eq(NotificationKind::NewFollower.as_str())
                .and(f::related_entity_id.eq(user.0));
            diesel::delete(f::table.filter(f::user_id.eq(user.0).or(as_follower)))
                .execute(conn)
                .await?;
            let named = n::table
                .filter(n::user_id.eq(user.0).or(n::actor_id.eq(user.0)))
                .limit(BATCH)
                .for_update()
                .skip_locked()
                .select(n::id);
            let ids: Vec<i64> = named.load(conn).await?;
            if !ids.is_empty() {
                diesel::delete(n::table.filter(n::id.eq_any(ids)))
                    .execute(conn)
                    .await?;
                return Ok(false);
            }
            diesel::update(p::table.find(user.0))
                .set((p::finished_at.eq(now), p::updated_at.eq(now)))
                .execute(conn)
                .await?;
            Ok(true)
        })
        .await
}

/// Removes the records of accounts whose rows were all removed before a time: events about them can no longer
/// arrive.
pub async fn purges_prune(database: &Database, before: DateTime<Utc>) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            Ok(diesel::delete(p::table.filter(p::finished_at.lt(before)))
                .execute(conn)
                .await?)
        })
        .await
}
