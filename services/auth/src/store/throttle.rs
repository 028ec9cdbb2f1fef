//! How often one may try to sign in or to register, counted in Redis so that all replicas count together.
//!
//! A try is counted before its password is looked at, so that many at once do not slip through. Names are
//! counted as they were typed, whether somebody has them or not: the answer for an unknown name is the same.
//!
//! While Redis is away nothing is counted and sign-ins go on. Guessing is then bounded by what a hash costs
//! and by the queue in front of it, which is the lesser evil beside nobody being able to sign in.

use std::net::IpAddr;
use std::time::Duration;

use primitives::address::network;
use storage::Redis;
use storage::deadpool_redis::redis::Script;

use crate::config::ThrottleConfig;
use crate::error::{Error, Result};

const MINUTE: Duration = Duration::from_secs(60);
/// How long failures are remembered.
const FAILURES: Duration = Duration::from_secs(15 * 60);

/// Counts each key up in its window, in the order given, and stops at the first that is over its limit;
/// answers the milliseconds until that window ends, or 0.
const COUNT: &str = r"
for i, key in ipairs(KEYS) do
    local count = redis.call('INCR', key)
    if count == 1 then redis.call('PEXPIRE', key, ARGV[2 * i]) end
    if count > tonumber(ARGV[2 * i - 1]) then return math.max(redis.call('PTTL', key), 1) end
end
return 0
";

/// Forgets the failures of one name and address, and takes its one try back from the name's count.
const FORGIVE: &str = r"
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('DECR', KEYS[2]) end
return 0
";

/// The counters of tries.
#[derive(Clone, Debug)]
pub struct Throttle {
    redis: Redis,
    config: ThrottleConfig,
}

struct Limit {
    key: String,
    most: u32,
    window: Duration,
}

impl Throttle {
    /// Counters in a Redis.
    #[must_use]
    pub fn new(redis: Redis, config: ThrottleConfig) -> Self {
        Self { redis, config }
    }

    /// Counts a try to sign in.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`] when there were too many before it.
    pub async fn login(&self, name: &str, address: Option<IpAddr>) -> Result<()> {
        let mut limits = Vec::new();
        if let Some(address) = address {
            let key = self.redis.key(&format!("auth:logins:{}", network(address)));
            limits.push(Limit {
                key,
                most: self.config.logins_per_address,
                window: MINUTE,
            });
        }
        let [pair, all] = self.failures(name, address);
        limits.push(Limit {
            key: pair,
            most: self.config.failures_per_name_and_address,
            window: FAILURES,
        });
        limits.push(Limit {
            key: all,
            most: self.config.failures_per_name,
            window: FAILURES,
        });
        self.count(limits).await
    }

    /// A try to sign in has succeeded: it was no failure, and those before it do not matter any more.
    pub async fn login_succeeded(&self, name: &str, address: Option<IpAddr>) {
        let script = Script::new(FORGIVE);
        let mut call = script.prepare_invoke();
        for key in self.failures(name, address) {
            call.key(key);
        }
        if let Err(error) = call.invoke_async::<i64>(&mut self.redis.connection()).await {
            tracing::warn!(%error, "sign-in failures were not forgotten");
        }
    }

    /// Counts a registration.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`] when there were too many before it.
    pub async fn registration(&self, address: Option<IpAddr>) -> Result<()> {
        let Some(address) = address else { return Ok(()) };
        let key = self
            .redis
            .key(&format!("auth:registrations:{}", network(address)));
        self.count(vec![Limit {
            key,
            most: self.config.registrations_per_address,
            window: MINUTE,
        }])
        .await
    }

    fn failures(&self, name: &str, address: Option<IpAddr>) -> [String; 2] {
        // What is no name at all is counted together.
        let name = primitives::text::username(name)
            .map_or_else(|_| "-".to_owned(), |name| name.to_ascii_lowercase());
        let from = address.map_or_else(|| "-".to_owned(), |address| network(address).to_string());
        [
            self.redis.key(&format!("auth:failures:{name}:{from}")),
            self.redis.key(&format!("auth:failures:{name}")),
        ]
    }

    async fn count(&self, limits: Vec<Limit>) -> Result<()> {
        let script = Script::new(COUNT);
        let mut call = script.prepare_invoke();
        for limit in &limits {
            let window = u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX);
            call.key(&limit.key).arg(limit.most).arg(window);
        }
        match call.invoke_async::<u64>(&mut self.redis.connection()).await {
            Ok(0) => Ok(()),
            Ok(millis) => {
                metrics::counter!("auth_throttled_total").increment(1);
                Err(Error::TooManyAttempts(Duration::from_millis(millis)))
            }
            Err(error) => {
                metrics::counter!("auth_throttle_unavailable_total").increment(1);
                tracing::warn!(%error, "tries are not counted");
                Ok(())
            }
        }
    }
}
