//! Views: one for each viewer and VOD in five minutes. The cooldown is a key in Redis that expires by itself; while Redis is away
//! nothing is counted, since a count that anybody can drive up is worth less than one that is a little low.

use ::domain::VodId;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::deadpool_redis::redis::cmd;
use storage::{Database, Redis};

use crate::error::Result;
use crate::schema::vods as v;

const COOLDOWN_SECONDS: u32 = 300;

/// Counts a view unless this viewer was counted lately; says whether it was.
///
/// # Errors
/// PostgreSQL's; those of Redis mean that nothing is counted.
pub async fn view_count(database: &Database, redis: &Redis, vod: VodId, viewer: &str) -> Result<bool> {
    if !is_first(redis, vod, viewer).await {
        return Ok(false);
    }
    database
        .transaction(async move |conn: &mut AsyncPgConnection| -> Result<()> {
            // Not a change of the VOD: neither its version nor its time of change moves.
            diesel::update(v::table.find(vod.0))
                .set(v::view_count.eq(v::view_count + 1))
                .execute(conn)
                .await?;
            Ok(())
        })
        .await?;
    Ok(true)
}

async fn is_first(redis: &Redis, vod: VodId, viewer: &str) -> bool {
    let key = redis.key(&format!("view:{vod}:{viewer}"));
    let mut connection = redis.connection();
    let mut set = cmd("SET");
    set.arg(key).arg(1).arg("NX").arg("EX").arg(COOLDOWN_SECONDS);
    match set.query_async::<Option<String>>(&mut connection).await {
        Ok(answer) => answer.is_some(),
        Err(error) => {
            tracing::debug!(%error, "view not counted");
            false
        }
    }
}
