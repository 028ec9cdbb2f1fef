//! Objects of the bucket that are to go.

use std::time::Duration;

use bucket::Bucket;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::Clock;
use storage::{Database, Result};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::schema::doomed_objects as d;

/// Objects that one round removes.
const BATCH: i64 = 100;
/// How long writing an object and its row may take, generously: until then an object that was announced is
/// left alone.
const ATTEMPT: TimeDelta = TimeDelta::hours(24);

/// An object that is to go.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = d, check_for_backend(diesel::pg::Pg))]
pub struct Doomed {
    /// Its key.
    pub key: String,
    /// The version to name, where it is known.
    pub version_id: Option<String>,
}

/// Notes the keys that are going to be written.
///
/// # Errors
/// The store's.
pub async fn announce(conn: &mut AsyncPgConnection, keys: &[String], now: DateTime<Utc>) -> Result<()> {
    let rows: Vec<_> = keys
        .iter()
        .map(|key| (d::key.eq(key), d::due_at.eq(now + ATTEMPT)))
        .collect();
    diesel::insert_into(d::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that objects belong to a row now.
///
/// # Errors
/// The store's.
pub async fn keep(conn: &mut AsyncPgConnection, keys: &[&str]) -> Result<()> {
    diesel::delete(d::table.filter(d::key.eq_any(keys)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives an announced object up at once. One that a row took meanwhile is not announced any more and stays.
///
/// # Errors
/// The store's.
pub async fn withdraw(conn: &mut AsyncPgConnection, key: &str, now: DateTime<Utc>) -> Result<()> {
    diesel::update(d::table.find(key))
        .set((d::due_at.eq(now), d::updated_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that objects are to go at once.
///
/// # Errors
/// The store's.
pub async fn doom(conn: &mut AsyncPgConnection, objects: &[Doomed], now: DateTime<Utc>) -> Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let row = |object: &Doomed| {
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

/// Removes from the bucket what is due, and says how many objects. One that cannot be removed now is tried
/// again later.
///
/// # Errors
/// The store's.
pub async fn remove_due(database: &Database, bucket: &Bucket, now: DateTime<Utc>) -> Result<usize> {
    let due: Vec<Doomed> = database
        .transaction(async move |conn: &mut AsyncPgConnection| take_due(conn, now).await)
        .await?;
    let mut removed = Vec::new();
    for object in due {
        match remove(bucket, &object, now).await {
            Ok(()) => removed.push(object.key),
            Err(error) => tracing::warn!(key = object.key, %error, "object not removed, trying again later"),
        }
    }
    let count = removed.len();
    if count > 0 {
        database
            .transaction(async move |conn: &mut AsyncPgConnection| -> Result<()> {
                diesel::delete(d::table.filter(d::key.eq_any(&removed)))
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await?;
    }
    Ok(count)
}

/// Puts the rows that it takes off a little, so that two replicas do not remove the same and a bad one does
/// not hold up the rest.
async fn take_due(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Vec<Doomed>> {
    let due = d::table.filter(d::due_at.le(now)).order(d::due_at).limit(BATCH);
    let rows: Vec<(Doomed, i32)> = due
        .select((Doomed::as_select(), d::attempts))
        .for_update()
        .skip_locked()
        .load(conn)
        .await?;
    for (object, attempts) in &rows {
        let pause = TimeDelta::minutes(1 << (*attempts).clamp(0, 8));
        diesel::update(d::table.find(&object.key))
            .set((
                d::due_at.eq(now + pause),
                d::attempts.eq(attempts + 1),
                d::updated_at.eq(now),
            ))
            .execute(conn)
            .await?;
    }
    Ok(rows.into_iter().map(|(object, _)| object).collect())
}

/// Removes an object, the parts of an upload that never ended included. A deletion that names no version
/// would only hide the object.
///
/// # Errors
/// The bucket's.
pub async fn remove(bucket: &Bucket, object: &Doomed, now: DateTime<Utc>) -> Result<(), bucket::Error> {
    bucket.abort_unfinished(&object.key, now).await?;
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

/// Removes what is due every now and then, until told to stop. Every replica may run it.
pub async fn keep_removing(
    database: Database,
    bucket: Bucket,
    clock: Clock,
    every: Duration,
    stop: CancellationToken,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match remove_due(&database, &bucket, clock.now()).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "objects removed"),
            Err(error) => tracing::warn!(%error, "objects not removed, trying again later"),
        }
    }
}
