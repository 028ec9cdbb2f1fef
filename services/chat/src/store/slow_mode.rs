//! Slow mode, counted in Redis for all replicas together. While Redis is unavailable each replica counts by
//! itself: a user who reaches several replicas can send once through each, and no user is blocked.

use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use primitives::{Clock, StreamId, UserId};
use storage::deadpool_redis::redis::Script;
use storage::{Redis, RedisBreaker};

use crate::domain::{ClientMessageId, LastMessage, check_slow_mode};
use crate::error::{Error, Result};

const MAX_LOCAL_ENTRIES: u64 = 100_000;
/// The longest pause of slow mode.
const LOCAL_TTL: Duration = Duration::from_secs(3600);

pub struct SlowMode {
    redis: Redis,
    clock: Clock,
    take_turn: Script,
    breaker: RedisBreaker,
    local: Cache<(StreamId, UserId), LastMessage>,
}

impl SlowMode {
    #[must_use]
    pub fn new(redis: Redis, clock: Clock) -> Self {
        let local = Cache::builder()
            .max_capacity(MAX_LOCAL_ENTRIES)
            .time_to_live(LOCAL_TTL)
            .build();
        Self {
            redis,
            breaker: RedisBreaker::new(clock.clone(), "chat_rate_without_redis_total"),
            clock,
            take_turn: Script::new(include_str!("slow_mode/take_turn.lua")),
            local,
        }
    }

    /// Takes a user's turn in a room with this pause between messages, by the rules of [`check_slow_mode`].
    ///
    /// # Errors
    /// [`Error::SlowMode`] with the time to wait.
    pub async fn take_turn(
        &self,
        stream: StreamId,
        user: UserId,
        client_id: Option<&ClientMessageId>,
        pause: Duration,
    ) -> Result<()> {
        let client_id = client_id.map(ClientMessageId::as_str);
        let shared = self.take_shared(stream, user, client_id, pause);
        match self.breaker.call(shared).await {
            Some(0) => Ok(()),
            Some(wait) => Err(Error::SlowMode(Duration::from_millis(wait))),
            None => self.take_local((stream, user), client_id, pause).await,
        }
    }

    /// Returns the milliseconds to wait, 0 if the turn was taken. The script uses Redis' clock, so the
    /// replicas' clocks do not matter.
    async fn take_shared(
        &self,
        stream: StreamId,
        user: UserId,
        client_id: Option<&str>,
        pause: Duration,
    ) -> storage::Result<u64> {
        let mut call = self.take_turn.prepare_invoke();
        call.key(self.redis.key(&format!("chat:turn:{stream}:{user}")))
            .arg(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
            .arg(client_id.unwrap_or_default());
        Ok(call.invoke_async(&mut self.redis.connection()).await?)
    }

    async fn take_local(
        &self,
        key: (StreamId, UserId),
        client_id: Option<&str>,
        pause: Duration,
    ) -> Result<()> {
        let now = self.clock.now().timestamp_millis();
        let taken = self.local.entry(key).and_try_compute_with(async |entry| {
            let last = entry.map(moka::Entry::into_value);
            Ok::<_, Duration>(Op::Put(check_slow_mode(last, client_id, now, pause)?))
        });
        taken.await.map(drop).map_err(Error::SlowMode)
    }
}
