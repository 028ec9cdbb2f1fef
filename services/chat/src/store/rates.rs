//! How often each user speaks: in Redis, shared by all replicas. While Redis is away each replica counts for itself, so a user
//! who reaches several has as many rates, and nobody is silenced.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::{Clock, UserId};
use metrics::counter;
use moka::future::Cache;
use moka::ops::compute::Op;
use storage::Redis;
use storage::deadpool_redis::redis::Script;

use crate::domain::Rate;
use crate::error::{Error, Result};

/// After Redis did not answer it is not asked for this long, so that each message does not wait for it.
const REST_MS: i64 = 1000;
/// Users that one replica counts for itself.
const USERS: u64 = 100_000;

/// Counts messages of users.
pub struct Rates {
    redis: Redis,
    rate: Rate,
    clock: Clock,
    script: Script,
    own: Cache<UserId, i64>,
    away_until: AtomicI64,
}

impl Rates {
    /// A count under one rate.
    #[must_use]
    pub fn new(redis: Redis, rate: Rate, clock: Clock) -> Self {
        let own = Cache::builder()
            .max_capacity(USERS)
            .time_to_live(rate.window.max(Duration::from_secs(1)))
            .build();
        let script = Script::new(include_str!("rates/take.lua"));
        Self {
            redis,
            rate,
            clock,
            script,
            own,
            away_until: AtomicI64::new(0),
        }
    }

    /// Takes one message of a user.
    ///
    /// # Errors
    /// [`Error::TooOften`] with the time to wait.
    pub async fn take(&self, user: UserId) -> Result<()> {
        let now = self.clock.now().timestamp_millis();
        if now >= self.away_until.load(Ordering::Relaxed) {
            match self.take_shared(user).await {
                Ok(wait) if wait > 0 => return Err(Error::TooOften(Duration::from_millis(wait))),
                Ok(_) => return Ok(()),
                Err(error) => {
                    self.away_until.store(now + REST_MS, Ordering::Relaxed);
                    counter!("chat_rate_without_redis_total").increment(1);
                    tracing::warn!(%error, "rates are counted by this process alone");
                }
            }
        }
        self.take_own(user, now).await
    }

    /// Milliseconds to wait, 0 when the message may be said. Redis' own clock counts, so replicas need not agree on the time.
    async fn take_shared(&self, user: UserId) -> storage::Result<u64> {
        let mut call = self.script.prepare_invoke();
        call.key(self.redis.key(&format!("chat:rate:{user}")))
            .arg(self.rate.cost())
            .arg(self.rate.burst);
        Ok(call.invoke_async(&mut self.redis.connection()).await?)
    }

    async fn take_own(&self, user: UserId, now: i64) -> Result<()> {
        let taken = self.own.entry(user).and_try_compute_with(async |entry| {
            let paid_until = self.rate.take(entry.map(moka::Entry::into_value), now)?;
            Ok::<_, Duration>(Op::Put(paid_until))
        });
        taken.await.map(drop).map_err(Error::TooOften)
    }
}
