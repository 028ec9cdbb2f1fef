//! Limits on sign-ins and registrations, shared by all replicas through Redis.
//!
//! Addresses have a rate limit. Failed sign-ins are counted per username and address, and per username; after
//! too many, even the right password is rejected until the period ends. Attempts are counted before the
//! password is verified, so that parallel ones do not slip through. Unknown usernames are counted like known
//! ones, so that the response does not reveal whether a username exists.
//!
//! While Redis is unavailable each replica applies the rate limits by itself and failures are not counted.
//! Guessing is then limited by the cost of a hash and the length of the hash queue, which is better than
//! rejecting every sign-in.

use std::net::IpAddr;
use std::time::Duration;

use primitives::Clock;
use primitives::address::network;
use primitives::rate::Rate;
use storage::deadpool_redis::redis::Script;
use storage::{RateLimiter, Redis, RedisBreaker};

use crate::config::ThrottleConfig;
use crate::error::{Error, Result};

/// How long failures count after the first one.
const FAILURE_PERIOD: Duration = Duration::from_secs(15 * 60);

/// Increments both counters unless the first exceeds its limit. Returns the milliseconds until an exceeded
/// counter expires, or 0.
const COUNT: &str = r"
for i, key in ipairs(KEYS) do
    local count = redis.call('INCR', key)
    if count == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
    if count > tonumber(ARGV[i + 1]) then return math.max(redis.call('PTTL', key), 1) end
end
return 0
";

/// Deletes the counter of a username and address, and takes the successful attempt back from the counter of
/// the username.
const FORGIVE: &str = r"
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('DECR', KEYS[2]) end
return 0
";

#[derive(Clone, Debug)]
pub struct Throttle {
    rates: RateLimiter,
    redis: Redis,
    breaker: RedisBreaker,
    config: ThrottleConfig,
}

impl Throttle {
    #[must_use]
    pub fn new(redis: Redis, config: ThrottleConfig, clock: Clock) -> Self {
        Self {
            rates: RateLimiter::new(redis.clone(), clock.clone()),
            redis,
            breaker: RedisBreaker::new(clock, "auth_throttle_unavailable_total"),
            config,
        }
    }

    /// Counts an attempt to sign in.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`] if a limit is exceeded.
    pub async fn login(&self, username: &str, address: Option<IpAddr>) -> Result<()> {
        self.take("logins", address, self.config.logins_per_address)
            .await?;
        let count = async {
            let script = Script::new(COUNT);
            let mut call = script.prepare_invoke();
            for key in self.failure_keys(username, address) {
                call.key(key);
            }
            call.arg(u64::try_from(FAILURE_PERIOD.as_millis()).unwrap_or(u64::MAX))
                .arg(self.config.failures_per_name_and_address)
                .arg(self.config.failures_per_name);
            Ok(call.invoke_async::<u64>(&mut self.redis.connection()).await?)
        };
        match self.breaker.call(count).await {
            None | Some(0) => Ok(()),
            Some(millis) => Err(too_many(Duration::from_millis(millis))),
        }
    }

    /// Records that an attempt succeeded: it was not a failure, and the failures before it no longer count.
    pub async fn login_succeeded(&self, username: &str, address: Option<IpAddr>) {
        let forgive = async {
            let script = Script::new(FORGIVE);
            let mut call = script.prepare_invoke();
            for key in self.failure_keys(username, address) {
                call.key(key);
            }
            Ok(call.invoke_async::<i64>(&mut self.redis.connection()).await?)
        };
        // Without Redis nothing was counted either.
        self.breaker.call(forgive).await;
    }

    /// Counts a registration.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`] if the limit is exceeded.
    pub async fn registration(&self, address: Option<IpAddr>) -> Result<()> {
        self.take("registrations", address, self.config.registrations_per_address)
            .await
    }

    async fn take(&self, action: &str, address: Option<IpAddr>, per_minute: u32) -> Result<()> {
        // Without an address there is nothing to count by.
        let Some(address) = address else { return Ok(()) };
        let key = format!("auth:rate:{action}:{}", network(address));
        let granted = self.rates.take(&key, Rate::per_minute(per_minute), 1).await;
        granted.map(drop).map_err(too_many)
    }

    /// Returns the counters of a username and address, and of the username.
    fn failure_keys(&self, username: &str, address: Option<IpAddr>) -> [String; 2] {
        // Invalid usernames share one counter.
        let name = primitives::text::username(username)
            .map_or_else(|_| "-".to_owned(), |name| name.to_ascii_lowercase());
        let from = address.map_or_else(|| "-".to_owned(), |address| network(address).to_string());
        [
            self.redis.key(&format!("auth:failures:{name}:{from}")),
            self.redis.key(&format!("auth:failures:{name}")),
        ]
    }
}

fn too_many(wait: Duration) -> Error {
    metrics::counter!("auth_throttled_total").increment(1);
    Error::TooManyAttempts(wait)
}
