//! Makes retries of a creating request safe, with the `Idempotency-Key` that the client chose.
//!
//! The transaction that creates something claims the key first, so a retry that arrives meanwhile waits for
//! it: then it finds the id of what the transaction created, or claims the key itself if that one rolled
//! back. The response is not stored, because it may contain secrets; it is built again from the id.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use primitives::IdempotentRequest;
use primitives::idempotency::key_reused;

use crate::database::Database;
use crate::error::Result;
use schema::idempotency_keys as k;

/// Creates the table `idempotency_keys`. Run it before the service's own migrations.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

const KEY_TTL: TimeDelta = TimeDelta::hours(24);

mod schema {
    // Written by hand: several services have this table, and none lists it in its own schema file.
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

type RowOf<'a> = diesel::dsl::Find<k::table, (i64, &'a str, &'a str)>;

fn row_of(request: &IdempotentRequest) -> RowOf<'_> {
    k::table.find((request.user.0, request.operation, request.key.as_str()))
}

/// Claims the key of a request, or returns the id that an earlier request with the key created.
///
/// After `None`, create something in the same transaction and call [`record_result`]. A request without a key
/// always gets `None`.
///
/// # Errors
/// `request.idempotency_key_reused` if the earlier request had different content.
pub async fn claim_key<E>(
    conn: &mut AsyncPgConnection,
    request: Option<&IdempotentRequest>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, E>
where
    E: From<diesel::result::Error> + From<primitives::Error>,
{
    let Some(request) = request else {
        return Ok(None);
    };
    let row = (
        k::user_id.eq(request.user.0),
        k::operation.eq(request.operation),
        k::key.eq(request.key.as_str()),
        k::fingerprint.eq(request.fingerprint.as_slice()),
        k::created_at.eq(now),
    );
    // Blocks while another transaction that inserted the same key is open.
    let claimed = diesel::insert_into(k::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    if claimed > 0 {
        return Ok(None);
    }
    let (fingerprint, created): (Vec<u8>, Option<i64>) = row_of(request)
        .select((k::fingerprint, k::made))
        .first(conn)
        .await?;
    if fingerprint == request.fingerprint {
        Ok(created)
    } else {
        Err(key_reused().into())
    }
}

/// Records the id of what the request created, in the transaction that claimed the key.
pub async fn record_result(
    conn: &mut AsyncPgConnection,
    request: Option<&IdempotentRequest>,
    id: i64,
) -> QueryResult<()> {
    if let Some(request) = request {
        let row = diesel::update(row_of(request));
        row.set(k::made.eq(id)).execute(conn).await?;
    }
    Ok(())
}

/// Deletes the keys that were claimed more than 24 hours ago and returns their number.
pub async fn delete_expired(database: &Database, now: DateTime<Utc>) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| -> Result<usize> {
            let expired = k::table.filter(k::created_at.lt(now - KEY_TTL));
            Ok(diesel::delete(expired).execute(conn).await?)
        })
        .await
}
