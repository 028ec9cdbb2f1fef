//! Accounts that are gone, and the removal of what is theirs: their own notifications, and those that name
//! them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::UserId;
use storage::Database;

use crate::error::Result;
use crate::schema::purges as p;

/// Rows that one transaction removes.
const BATCH: i64 = 1000;

/// Notes, in the transaction of the event, that an account is gone.
///
/// # Errors
/// The store's.
pub async fn purge_begin(conn: &mut AsyncPgConnection, user: UserId) -> Result<()> {
    diesel::insert_into(p::table)
        .values(p::user_id.eq(user.0))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Accounts whose things are not all removed yet.
///
/// # Errors
/// The store's.
pub async fn purges_open(database: &Database, limit: i64) -> Result<Vec<UserId>> {
    database
        .read(async move |conn: &mut AsyncPgConnection| {
            let open = p::table
                .filter(p::finished_at.is_null())
                .order(p::created_at)
                .limit(limit);
            let ids: Vec<i64> = open.select(p::user_id).load(conn).await?;
            Ok(ids.into_iter().map(UserId).collect())
        })
        .await
}

/// Removes one batch of an account's things; true when nothing was left.
///
/// # Errors
/// The store's.
pub async fn purge_step(database: &Database, user: UserId, now: DateTime<Utc>) -> Result<bool> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let fanouts = "DELETE FROM fanouts WHERE user_id = $1 OR (type = 'new_follower' AND related_entity_id = $1)";
            diesel::sql_query(fanouts).bind::<BigInt, _>(user.0).execute(conn).await?;
            let notifications = "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications \
                                 WHERE user_id = $1 OR actor_id = $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
            let removed = diesel::sql_query(notifications)
                .bind::<BigInt, _>(user.0)
                .bind::<BigInt, _>(BATCH)
                .execute(conn)
                .await?;
            if removed > 0 {
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

/// Forgets accounts that were removed before a time: no event about them is on its way any more.
///
/// # Errors
/// The store's.
pub async fn purges_prune(database: &Database, before: DateTime<Utc>) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            Ok(diesel::delete(p::table.filter(p::finished_at.lt(before)))
                .execute(conn)
                .await?)
        })
        .await
}
