//! Objects of the bucket that are to go. A row is written before the object is: whoever dies in between leaves a row that somebody
//! else acts on, and publishing a VOD takes the rows of its objects away.

use bucket::Bucket;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::Database;

use crate::error::Result;
use crate::schema::doomed_objects as d;

/// Objects that one round removes.
const BATCH: i64 = 100;
/// How long an attempt may take, generously: until then its objects are its own.
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

/// Notes the keys that an attempt is going to write.
///
/// # Errors
/// The store's.
pub async fn objects_announce(
    conn: &mut AsyncPgConnection,
    keys: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
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

/// Notes that objects belong to a VOD now.
///
/// # Errors
/// The store's.
pub async fn objects_keep(conn: &mut AsyncPgConnection, keys: &[&str]) -> Result<()> {
    diesel::delete(d::table.filter(d::key.eq_any(keys)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that objects are to go at once.
///
/// # Errors
/// The store's.
pub async fn objects_doom(
    conn: &mut AsyncPgConnection,
    objects: &[Doomed],
    now: DateTime<Utc>,
) -> Result<()> {
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

/// Removes from the bucket what is due, and says how many objects. One that cannot be removed now is tried again later.
///
/// # Errors
/// The store's.
pub async fn objects_remove_due(database: &Database, bucket: &Bucket, now: DateTime<Utc>) -> Result<usize> {
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

/// Puts the rows that it takes off a little, so that two replicas do not remove the same and a bad one does not hold up the rest.
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

/// Removes an object, the parts of an upload that never ended included. A deletion that names no version would only hide the object.
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
