//! View counts: one view per viewer and VOD in five minutes. The cooldown is an expiring key in Redis.
//! Without Redis no views are counted, because a count that is slightly low is better than one that anyone
//! can inflate.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::VodId;
use storage::deadpool_redis::redis::pipe;
use storage::{Database, Redis};

use crate::error::Result;
use crate::schema::vods as v;

const COOLDOWN_SECONDS: u32 = 300;

/// A VOD and the key of its viewer.
pub type View = (VodId, String);

/// Counts views and returns how many were counted. Skips viewers within their cooldown, and all views if
/// Redis fails.
pub async fn views_count(database: &Database, redis: &Redis, views: &[View]) -> Result<usize> {
    let first = first_views(redis, views).await;
    let counted = first.len();
    if counted > 0 {
        database
            .transaction(async move |conn: &mut AsyncPgConnection| write(conn, &first).await)
            .await?;
    }
    Ok(counted)
}

/// Adds views to the counts. The version and `updated_at` of a VOD stay the same.
async fn write(conn: &mut AsyncPgConnection, first: &[i64]) -> Result<()> {
    let mut times = BTreeMap::<i64, i64>::new();
    for vod in first {
        *times.entry(*vod).or_default() += 1;
    }
    if times.len() > 1 {
        // Locks rows in the order of their ids, so that concurrent counts do not deadlock.
        let ids: Vec<i64> = times.keys().copied().collect();
        let rows = v::table.filter(v::id.eq_any(ids)).order(v::id).select(v::id);
        rows.for_no_key_update().load::<i64>(conn).await?;
    }
    let mut by_times = BTreeMap::<i64, Vec<i64>>::new();
    for (vod, times) in times {
        by_times.entry(times).or_default().push(vod);
    }
    for (times, vods) in by_times {
        diesel::update(v::table.filter(v::id.eq_any(vods)))
            .set(v::view_count.eq(v::view_count + times))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Returns the VODs of views that are not within a cooldown.
async fn first_views(redis: &Redis, views: &[View]) -> Vec<i64> {
    let mut set = pipe();
    for (vod, viewer) in views {
        let key = redis.key(&format!("view:{vod}:{viewer}"));
        set.cmd("SET")
            .arg(key)
            .arg(1)
            .arg("NX")
            .arg("EX")
            .arg(COOLDOWN_SECONDS);
    }
    let mut connection = redis.connection();
    match set.query_async::<Vec<Option<String>>>(&mut connection).await {
        Ok(answers) => views
            .iter()
            .zip(answers)
            .filter_map(|((vod, _), answer)| answer.map(|_| vod.0))
            .collect(),
        Err(error) => {
            tracing::debug!(%error, "views not counted");
            Vec::new()
        }
    }
}
