use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use primitives::Clock;

use crate::error::Result;

/// How long Redis is left alone after a failure.
const RETRY_DELAY: TimeDelta = TimeDelta::seconds(1);

/// Skips Redis for a second after a failure, so that not every call waits for its timeout. Clones share their
/// state.
#[derive(Debug, Clone)]
pub struct RedisBreaker {
    clock: Clock,
    failures: &'static str,
    /// In microseconds since 1970.
    retry_at: Arc<AtomicI64>,
}

impl RedisBreaker {
    /// Creates a breaker. `failures` is the name of the counter of failed calls.
    #[must_use]
    pub fn new(clock: Clock, failures: &'static str) -> Self {
        Self {
            clock,
            failures,
            retry_at: Arc::default(),
        }
    }

    /// Awaits a call. Returns `None` if it fails, or if another one failed less than a second ago.
    pub async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Option<T> {
        let now = self.clock.now();
        if now.timestamp_micros() < self.retry_at.load(Ordering::Relaxed) {
            return None;
        }
        match call.await {
            Ok(value) => Some(value),
            Err(error) => {
                let retry_at = (now + RETRY_DELAY).timestamp_micros();
                self.retry_at.store(retry_at, Ordering::Relaxed);
                metrics::counter!(self.failures).increment(1);
                tracing::warn!(%error, "Redis unavailable, skipping it for a second");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn failure_skips_calls_for_a_second() {
        let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH + TimeDelta::days(1));
        let breaker = RedisBreaker::new(clock.clone(), "test_failures_total");
        assert_eq!(breaker.call(async { Ok(1) }).await, Some(1));
        let failure = async { Err::<i32, _>(Error::Timeout("silent".to_owned())) };
        assert_eq!(breaker.call(failure).await, None);
        let unreachable = async { panic!("Redis was called") };
        assert_eq!(breaker.call::<i32>(unreachable).await, None);
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(breaker.call(async { Ok(2) }).await, Some(2));
    }
}
