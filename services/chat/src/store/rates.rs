//! How often each user speaks, everywhere and in rooms in slow mode: in Redis, shared by all replicas. While
//! Redis is away each replica counts for itself, so a user who reaches several has as many rates and turns,
//! and nobody is silenced.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use metrics::counter;
use moka::future::Cache;
use moka::ops::compute::Op;
use primitives::{Clock, Rate, StreamId, UserId};
use storage::Redis;
use storage::deadpool_redis::redis::Script;

use crate::domain::{ClientMessageId, Said, slow_mode};
use crate::error::{Error, Result};

/// After Redis did not answer it is not asked for this long, so that each message does not wait for it.
const REST_MS: i64 = 1000;
/// Users that one replica counts for itself.
const USERS: u64 = 100_000;
/// The longest pause of slow mode.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Counts messages of users.
pub struct Rates {
    redis: Redis,
    rate: Rate,
    clock: Clock,
    counted: storage::RateLimiter,
    turn: Script,
    own_turns: Cache<(StreamId, UserId), Said>,
    away_until: AtomicI64,
}

impl Rates {
    /// A count under one rate.
    #[must_use]
    pub fn new(redis: Redis, rate: Rate, clock: Clock) -> Self {
        let own_turns = Cache::builder()
            .max_capacity(USERS)
            .time_to_live(LONGEST_PAUSE)
            .build();
        Self {
            counted: storage::RateLimiter::new(redis.clone(), clock.clone()),
            redis,
            rate,
            clock,
            turn: Script::new(include_str!("rates/turn.lua")),
            own_turns,
            away_until: AtomicI64::new(0),
        }
    }

    /// Takes one message of a user.
    ///
    /// # Errors
    /// [`Error::TooOften`] with the time to wait.
    pub async fn take(&self, user: UserId) -> Result<()> {
        let key = format!("chat:rate:{user}");
        let taken = self.counted.take(&key, self.rate, 1).await;
        taken.map(drop).map_err(Error::TooOften)
    }

    /// Takes a user's turn in a room in slow mode. A repeat of the last message is let through.
    ///
    /// # Errors
    /// [`Error::SlowMode`] with the time to wait.
    pub async fn turn(
        &self,
        stream: StreamId,
        user: UserId,
        client_id: Option<&ClientMessageId>,
        pause: Duration,
    ) -> Result<()> {
        let now = self.clock.now().timestamp_millis();
        let client_id = client_id.map_or("", ClientMessageId::as_str);
        match self
            .shared(now, self.turn_shared(stream, user, client_id, pause))
            .await
        {
            Some(0) => Ok(()),
            Some(wait) => Err(Error::SlowMode(Duration::from_millis(wait))),
            None => self.turn_own((stream, user), client_id, now, pause).await,
        }
    }

    /// What Redis answers; nothing while it is away.
    async fn shared(&self, now: i64, asked: impl Future<Output = storage::Result<u64>>) -> Option<u64> {
        if now < self.away_until.load(Ordering::Relaxed) {
            return None;
        }
        match asked.await {
            Ok(wait) => Some(wait),
            Err(error) => {
                self.away_until.store(now + REST_MS, Ordering::Relaxed);
                counter!("chat_rate_without_redis_total").increment(1);
                tracing::warn!(%error, "rates are counted by this process alone");
                None
            }
        }
    }

    /// Milliseconds to wait, 0 when the message may be said. Redis' own clock counts, so replicas need not
    /// agree on the time.
    async fn turn_shared(
        &self,
        stream: StreamId,
        user: UserId,
        client_id: &str,
        pause: Duration,
    ) -> storage::Result<u64> {
        let mut call = self.turn.prepare_invoke();
        call.key(self.redis.key(&format!("chat:turn:{stream}:{user}")))
            .arg(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
            .arg(client_id);
        Ok(call.invoke_async(&mut self.redis.connection()).await?)
    }

    async fn turn_own(
        &self,
        whose: (StreamId, UserId),
        client_id: &str,
        now: i64,
        pause: Duration,
    ) -> Result<()> {
        let taken = self.own_turns.entry(whose).and_try_compute_with(async |entry| {
            let last = entry.map(moka::Entry::into_value);
            Ok::<_, Duration>(Op::Put(slow_mode(last, client_id, now, pause)?))
        });
        taken.await.map(drop).map_err(Error::SlowMode)
    }
}
