//! Views: one for each viewer and VOD in five minutes. The cooldown is a key in Redis that expires by itself;
//! while Redis is away nothing is counted, since a count that anybody can drive up is worth less than one
//! that is a little low.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::VodId;
use storage::deadpool_redis::redis::pipe;
use storage::{Database, Redis};

use crate::error::Result;
use crate::schema::vods as v;

const COOLDOWN_SECONDS: u32 = 300;

/// A VOD and who looks at it.
pub type View = (VodId, String);

/// Counts views, but for those of viewers who were counted lately; says how many were.
///
/// # Errors
/// PostgreSQL's; those of Redis mean that nothing is counted.
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

/// Adds the views to their VODs' counts. Not a change of a VOD: neither its version nor its time of change
/// moves.
async fn write(conn: &mut AsyncPgConnection, first: &[i64]) -> Result<()> {
    let mut times = BTreeMap::<i64, i64>::new();
    for vod in first {
        *times.entry(*vod).or_default() += 1;
    }
    if times.len() > 1 {
        // In the order of ids, so that two who count at once do not wait for each other.
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

/// The VODs of those views whose viewer was not counted lately.
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
