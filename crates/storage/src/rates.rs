//! Rates that all replicas count together, in Redis. While Redis is away each process counts for itself: who
//! reaches several has as many rates, and nobody is locked out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use primitives::Clock;
use primitives::rate::{Rate, Taken};

use crate::deadpool_redis::redis::Script;
use crate::{Redis, Result};

/// After Redis did not answer it is not asked for this long, so that not every call waits for it.
const REST: Duration = Duration::from_secs(1);
/// Keys that one process counts for itself.
const OWN: u64 = 100_000;
/// How long it remembers one; longer than the windows in use.
const OWN_MEMORY: Duration = Duration::from_secs(3600);

/// Counts under keys. Clones share the counts.
#[derive(Clone)]
pub struct Rates {
    redis: Redis,
    clock: Clock,
    script: Arc<Script>,
    own: Cache<String, i64>,
    away_until: Arc<AtomicI64>,
}

/// What one may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many of those that were asked for; at least one.
    pub granted: u32,
    /// How many more would have been.
    pub left: u32,
}

impl Rates {
    /// Counts in a Redis.
    #[must_use]
    pub fn new(redis: Redis, clock: Clock) -> Self {
        let own = Cache::builder()
            .max_capacity(OWN)
            .time_to_idle(OWN_MEMORY)
            .build();
        let script = Arc::new(Script::new(include_str!("rates/take.lua")));
        Self {
            redis,
            clock,
            script,
            own,
            away_until: Arc::default(),
        }
    }

    /// Takes up to `most` under a key, which is the deployment's own: `chat:rate:7`.
    ///
    /// # Errors
    /// How long to wait, when there is not one.
    pub async fn take(&self, key: &str, rate: Rate, most: u32) -> std::result::Result<Allowance, Duration> {
        let now = self.clock.now().timestamp_micros();
        if now >= self.away_until.load(Ordering::Relaxed) {
            match self.take_shared(key, rate, most).await {
                Ok((0, _, wait)) => return Err(Duration::from_micros(wait)),
                Ok((granted, left, _)) => return Ok(Allowance { granted, left }),
                Err(error) => self.rest(now, &error),
            }
        }
        self.take_own(key, rate, now, most).await
    }

    fn rest(&self, now: i64, error: &crate::Error) {
        let rest = i64::try_from(REST.as_micros()).unwrap_or(i64::MAX);
        self.away_until.store(now.saturating_add(rest), Ordering::Relaxed);
        metrics::counter!("rates_without_redis_total").increment(1);
        tracing::warn!(%error, "rates are counted by this process alone");
    }

    async fn take_shared(&self, key: &str, rate: Rate, most: u32) -> Result<(u32, u32, u64)> {
        let mut call = self.script.prepare_invoke();
        call.key(self.redis.key(key))
            .arg(rate.cost())
            .arg(rate.burst.max(1))
            .arg(most.max(1));
        Ok(call.invoke_async(&mut self.redis.connection()).await?)
    }

    async fn take_own(
        &self,
        key: &str,
        rate: Rate,
        now: i64,
        most: u32,
    ) -> std::result::Result<Allowance, Duration> {
        let mut allowance = Allowance { granted: 0, left: 0 };
        let count = self.own.entry_by_ref(key).and_try_compute_with(async |entry| {
            let Taken {
                paid_until,
                granted,
                left,
            } = rate.take(entry.map(moka::Entry::into_value), now, most)?;
            allowance = Allowance { granted, left };
            Ok::<_, Duration>(Op::Put(paid_until))
        });
        count.await?;
        Ok(allowance)
    }
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates")
            .field("redis", &self.redis)
            .finish_non_exhaustive()
    }
}
