//! Rate limits that all replicas share through Redis.
//!
//! While Redis is unavailable each process counts by itself: a client that reaches several processes gets
//! several times the rate, which is better than rejecting every client.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use primitives::Clock;
use primitives::rate::{Grant, Rate};

use crate::breaker::RedisBreaker;
use crate::deadpool_redis::redis::Script;
use crate::error::Result;
use crate::redis::Redis;

const MAX_LOCAL_KEYS: u64 = 100_000;
/// Longer than every window in use.
const LOCAL_TTL: Duration = Duration::from_secs(3600);

/// A set of rate limits, one per key. Clones share the counts.
#[derive(Clone)]
pub struct RateLimiter {
    redis: Redis,
    clock: Clock,
    script: Arc<Script>,
    breaker: RedisBreaker,
    /// The theoretical arrival times of the keys that this process counts by itself.
    local: Cache<String, i64>,
}

impl RateLimiter {
    #[must_use]
    pub fn new(redis: Redis, clock: Clock) -> Self {
        let local = Cache::builder()
            .max_capacity(MAX_LOCAL_KEYS)
            .time_to_idle(LOCAL_TTL)
            .build();
        Self {
            redis,
            breaker: RedisBreaker::new(clock.clone(), "rates_without_redis_total"),
            clock,
            script: Arc::new(Script::new(include_str!("rate_limiter/take.lua"))),
            local,
        }
    }

    /// Takes up to `max` requests from the limit of a key such as `chat:rate:7`; the deployment's prefix is
    /// added.
    ///
    /// # Errors
    /// How long to wait until the next request is granted.
    pub async fn take(&self, key: &str, rate: Rate, max: u32) -> std::result::Result<Grant, Duration> {
        match self.breaker.call(self.take_shared(key, rate, max)).await {
            Some((0, _, wait)) => Err(Duration::from_micros(wait)),
            Some((granted, remaining, _)) => Ok(Grant { granted, remaining }),
            None => self.take_local(key, rate, max).await,
        }
    }

    /// Returns the number granted, the number remaining, and the microseconds to wait if none was granted.
    async fn take_shared(&self, key: &str, rate: Rate, max: u32) -> Result<(u32, u32, u64)> {
        let mut call = self.script.prepare_invoke();
        call.key(self.redis.key(key))
            .arg(rate.interval())
            .arg(rate.burst.max(1))
            .arg(max.max(1));
        Ok(call.invoke_async(&mut self.redis.connection()).await?)
    }

    async fn take_local(&self, key: &str, rate: Rate, max: u32) -> std::result::Result<Grant, Duration> {
        let now = self.clock.now().timestamp_micros();
        let mut result = Grant {
            granted: 0,
            remaining: 0,
        };
        let update = self.local.entry_by_ref(key).and_try_compute_with(async |entry| {
            let (grant, arrival) = rate.take(entry.map(moka::Entry::into_value), now, max)?;
            result = grant;
            Ok::<_, Duration>(Op::Put(arrival))
        });
        update.await?;
        Ok(result)
    }
}

impl std::fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter")
            .field("redis", &self.redis)
            .finish_non_exhaustive()
    }
}
