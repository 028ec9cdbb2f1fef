//! Rate limits that all replicas share through Redis.
//!
//! While Redis is unavailable each process counts by itself: a client that reaches several processes gets
//! several times the rate, which is better than rejecting every client.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use primitives::Clock;
use primitives::rate::{Grant, Rate};

use crate::deadpool_redis::redis::Script;
use crate::error::{Error, Result};
use crate::redis::Redis;

/// How long Redis is left alone after a failure, so that not every call waits for its timeout.
const RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_LOCAL_KEYS: u64 = 100_000;
/// Longer than every window in use.
const LOCAL_TTL: Duration = Duration::from_secs(3600);

/// A set of rate limits, one per key. Clones share the counts.
#[derive(Clone)]
pub struct RateLimiter {
    redis: Redis,
    clock: Clock,
    script: Arc<Script>,
    /// The theoretical arrival times of the keys that this process counts by itself.
    local: Cache<String, i64>,
    retry_redis_at: Arc<AtomicI64>,
}

impl RateLimiter {
    #[must_use]
    pub fn new(redis: Redis, clock: Clock) -> Self {
        let local = Cache::builder()
            .max_capacity(MAX_LOCAL_KEYS)
            .time_to_idle(LOCAL_TTL)
            .build();
        let script = Arc::new(Script::new(include_str!("rate_limiter/take.lua")));
        Self {
            redis,
            clock,
            script,
            local,
            retry_redis_at: Arc::default(),
        }
    }

    /// Takes up to `max` requests from the limit of a key such as `chat:rate:7`; the deployment's prefix is
    /// added.
    ///
    /// # Errors
    /// How long to wait until the next request is granted.
    pub async fn take(&self, key: &str, rate: Rate, max: u32) -> std::result::Result<Grant, Duration> {
        let now = self.clock.now().timestamp_micros();
        if now >= self.retry_redis_at.load(Ordering::Relaxed) {
            match self.take_shared(key, rate, max).await {
                Ok((0, _, wait)) => return Err(Duration::from_micros(wait)),
                Ok((granted, remaining, _)) => return Ok(Grant { granted, remaining }),
                Err(error) => self.pause_redis(now, &error),
            }
        }
        self.take_local(key, rate, now, max).await
    }

    fn pause_redis(&self, now: i64, error: &Error) {
        let delay = i64::try_from(RETRY_DELAY.as_micros()).unwrap_or(i64::MAX);
        self.retry_redis_at
            .store(now.saturating_add(delay), Ordering::Relaxed);
        metrics::counter!("rates_without_redis_total").increment(1);
        tracing::warn!(%error, "rate limits are local until Redis is available again");
    }

    async fn take_shared(&self, key: &str, rate: Rate, max: u32) -> Result<(u32, u32, u64)> {
        let mut call = self.script.prepare_invoke();
        call.key(self.redis.key(key))
            .arg(rate.interval())
            .arg(rate.burst.max(1))
            .arg(max.max(1));
        Ok(call.invoke_async(&mut self.redis.connection()).await?)
    }

    async fn take_local(
        &self,
        key: &str,
        rate: Rate,
        now: i64,
        max: u32,
    ) -> std::result::Result<Grant, Duration> {
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
