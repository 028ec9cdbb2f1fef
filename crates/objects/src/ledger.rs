//! The object ledger: objects in the bucket that no row uses yet, or any longer.

use bucket::Bucket;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::{Database, Result};

use crate::schema::pending_deletions as d;

/// Objects deleted per round.
const BATCH_SIZE: i64 = 100;
/// How long a reserved key is kept. Far longer than any upload and its transaction take.
const RESERVATION_TTL: TimeDelta = TimeDelta::hours(24);
/// The retry delay doubles from one minute up to 2^8 minutes, about four hours.
const MAX_RETRY_DOUBLINGS: i32 = 8;

/// An object to delete.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = d, check_for_backend(diesel::pg::Pg))]
pub struct PendingDeletion {
    pub key: String,
    /// The newest version if unknown.
    pub version_id: Option<String>,
}

/// Records keys before they are uploaded. They are deleted after 24 hours unless [`commit`] claims them.
pub async fn reserve(conn: &mut AsyncPgConnection, keys: &[String], now: DateTime<Utc>) -> Result<()> {
    let rows: Vec<_> = keys
        .iter()
        .map(|key| (d::key.eq(key), d::due_at.eq(now + RESERVATION_TTL)))
        .collect();
    diesel::insert_into(d::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes keys from the ledger because a row refers to them now. Call it in the transaction that writes the
/// row.
pub async fn commit(conn: &mut AsyncPgConnection, keys: &[&str]) -> Result<()> {
    diesel::delete(d::table.filter(d::key.eq_any(keys)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes a reserved key due for deletion now. Does nothing if the key has been committed.
pub async fn release(conn: &mut AsyncPgConnection, key: &str, now: DateTime<Utc>) -> Result<()> {
    diesel::update(d::table.find(key))
        .set((d::due_at.eq(now), d::updated_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Schedules objects for immediate deletion. Call it in the transaction that removes the last reference to
/// them.
pub async fn schedule_deletion(
    conn: &mut AsyncPgConnection,
    objects: &[PendingDeletion],
    now: DateTime<Utc>,
) -> Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let row = |object: &PendingDeletion| {
        (
            d::key.eq(object.key.clone()),
            d::version_id.eq(object.version_id.clone()),
            d::due_at.eq(now),
        )
    };
    let rows: Vec<_> = objects.iter().map(row).collect();
    diesel::insert_into(d::table)
        .values(rows)
        .on_conflict(d::key)
        .do_update()
        .set(d::due_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes up to 100 objects that are due from the bucket and returns how many were deleted. Failures are
/// logged and retried in a later round.
pub async fn delete_due(database: &Database, bucket: &Bucket, now: DateTime<Utc>) -> Result<usize> {
    let due: Vec<PendingDeletion> = database
        .transaction(async move |conn: &mut AsyncPgConnection| claim_due(conn, now).await)
        .await?;
    let mut deleted = Vec::new();
    for object in due {
        match delete(bucket, &object, now).await {
            Ok(()) => deleted.push(object.key),
            Err(error) => tracing::warn!(key = object.key, %error, "object not deleted, will retry"),
        }
    }
    let count = deleted.len();
    if count > 0 {
        database
            .transaction(async move |conn: &mut AsyncPgConnection| -> Result<()> {
                diesel::delete(d::table.filter(d::key.eq_any(&deleted)))
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await?;
    }
    Ok(count)
}

/// Postpones the claimed rows, so that two replicas do not delete the same objects and an object that cannot
/// be deleted does not block the others.
async fn claim_due(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Vec<PendingDeletion>> {
    let due = d::table
        .filter(d::due_at.le(now))
        .order(d::due_at)
        .limit(BATCH_SIZE);
    let rows: Vec<(PendingDeletion, i32)> = due
        .select((PendingDeletion::as_select(), d::attempts))
        .for_update()
        .skip_locked()
        .load(conn)
        .await?;
    for (object, attempts) in &rows {
        let delay = TimeDelta::minutes(1 << (*attempts).clamp(0, MAX_RETRY_DOUBLINGS));
        diesel::update(d::table.find(&object.key))
            .set((
                d::due_at.eq(now + delay),
                d::attempts.eq(attempts + 1),
                d::updated_at.eq(now),
            ))
            .execute(conn)
            .await?;
    }
    Ok(rows.into_iter().map(|(object, _)| object).collect())
}

/// Deletes an object and the parts of its unfinished uploads.
pub async fn delete(
    bucket: &Bucket,
    object: &PendingDeletion,
    now: DateTime<Utc>,
) -> Result<(), bucket::Error> {
    bucket.abort_unfinished(&object.key, now).await?;
    // Deleting without a version only hides the object in a versioned bucket.
    let version = match &object.version_id {
        Some(version) => Some(version.clone()),
        None => match bucket.head(&object.key).await {
            Ok(head) => head.version_id,
            Err(bucket::Error::Missing) => return Ok(()),
            Err(error) => return Err(error),
        },
    };
    bucket.delete(&object.key, version.as_deref()).await
}
