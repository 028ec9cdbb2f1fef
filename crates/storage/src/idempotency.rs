//! What requests made that their clients may send again.
//!
//! A key is claimed by the transaction that makes something, before it makes it, so of two tries at once the
//! second waits for the first: it finds what that one made, or makes it itself when that one was rolled back.
//! The answer is not kept, since answers may hold secrets; it is written anew from what was made.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use primitives::idempotency::reused;
use primitives::{Attempt, Clock};
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use crate::{Database, Result};
use schema::idempotency_keys as k;

/// The table `idempotency_keys`, to be migrated before the service's own.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// How long a key is remembered.
const LIFE: TimeDelta = TimeDelta::hours(24);
const FIRST_ROUND: Duration = Duration::from_secs(60);
const ROUND: Duration = Duration::from_secs(3600);

mod schema {
    // Kept by hand: the table is in several services' databases and in no service's schema file.
    diesel::table! {
        idempotency_keys (user_id, operation, key) {
            user_id -> Int8,
            operation -> Text,
            key -> Text,
            fingerprint -> Bytea,
            made -> Nullable<Int8>,
            created_at -> Timestamptz,
        }
    }
}

type OfAttempt<'a> = diesel::dsl::Find<k::table, (i64, &'a str, &'a str)>;

fn of(attempt: &Attempt) -> OfAttempt<'_> {
    k::table.find((attempt.user.0, attempt.operation, attempt.key.as_str()))
}

/// Claims the key of an attempt in the transaction that is going to make something, and answers what an
/// earlier attempt has made. None: go on, and call [`note_made`]. A request without a name is always the
/// first.
///
/// # Errors
/// `request.idempotency_key_reused` when the key was used for a request that said something else; the
/// store's.
pub async fn made_earlier<E>(
    conn: &mut AsyncPgConnection,
    attempt: Option<&Attempt>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, E>
where
    E: From<diesel::result::Error> + From<primitives::Error>,
{
    let Some(attempt) = attempt else {
        return Ok(None);
    };
    let row = (
        k::user_id.eq(attempt.user.0),
        k::operation.eq(attempt.operation),
        k::key.eq(attempt.key.as_str()),
        k::fingerprint.eq(attempt.fingerprint.as_slice()),
        k::created_at.eq(now),
    );
    let claimed = diesel::insert_into(k::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    if claimed > 0 {
        return Ok(None);
    }
    let (fingerprint, made): (Vec<u8>, Option<i64>) =
        of(attempt).select((k::fingerprint, k::made)).first(conn).await?;
    if fingerprint == attempt.fingerprint {
        Ok(made)
    } else {
        Err(reused().into())
    }
}

/// Notes what the attempt made, in the same transaction.
///
/// # Errors
/// The store's.
pub async fn note_made(conn: &mut AsyncPgConnection, attempt: Option<&Attempt>, id: i64) -> QueryResult<()> {
    if let Some(attempt) = attempt {
        let row = diesel::update(of(attempt));
        row.set(k::made.eq(id)).execute(conn).await?;
    }
    Ok(())
}

/// Forgets old keys every hour until told to stop. Every replica may run it.
pub async fn keep_short(database: Database, clock: Clock, stop: CancellationToken) {
    let mut rounds = interval_at(Instant::now() + FIRST_ROUND, ROUND);
    while stop.run_until_cancelled(rounds.tick()).await.is_some() {
        match forget_old(&database, clock.now()).await {
            Ok(forgotten) => tracing::debug!(forgotten, "old idempotency keys forgotten"),
            Err(error) => tracing::warn!(%error, "old idempotency keys not forgotten, trying again later"),
        }
    }
}

/// Forgets keys that were first used more than 24 hours ago, and says how many.
///
/// # Errors
/// The store's.
pub async fn forget_old(database: &Database, now: DateTime<Utc>) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| -> Result<usize> {
            let old = k::table.filter(k::created_at.lt(now - LIFE));
            Ok(diesel::delete(old).execute(conn).await?)
        })
        .await
}
