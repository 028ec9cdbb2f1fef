//! A token bucket.

use std::time::Duration;

use tokio::time::Instant;

/// Allows `burst` at once and `per_second` in the long run.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    burst: u32,
    interval: Duration,
    /// When the bucket was, or will be, full.
    full_at: Option<Instant>,
}

impl Bucket {
    pub(crate) fn new(burst: u32, per_second: u32) -> Self {
        Self {
            burst: burst.max(1),
            interval: Duration::from_secs(1) / per_second.max(1),
            full_at: None,
        }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + self.interval;
        let fits = full_at.saturating_duration_since(now) <= self.interval * self.burst;
        if fits {
            self.full_at = Some(full_at);
        }
        fits
    }

    /// Takes tokens, even if there are not enough; returns how long to wait before taking the next.
    pub(crate) fn spend(&mut self, tokens: u32, now: Instant) -> Duration {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + self.interval * tokens;
        self.full_at = Some(full_at);
        full_at
            .saturating_duration_since(now)
            .saturating_sub(self.interval * self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn burst_passes_then_the_rate_applies() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3, 10);
        assert_eq!((0..5).filter(|_| bucket.take(start)).count(), 3);
        assert!(!bucket.take(start + Duration::from_millis(99)));
        assert!(bucket.take(start + Duration::from_millis(100)));
        assert!(!bucket.take(start + Duration::from_millis(100)));
    }

    #[test]
    fn overdraft_has_to_wait() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 10);
        assert_eq!(bucket.spend(10, start), Duration::ZERO);
        assert_eq!(bucket.spend(5, start), Duration::from_millis(500));
        assert_eq!(
            bucket.spend(0, start + Duration::from_millis(500)),
            Duration::ZERO
        );
        assert!(!bucket.take(start + Duration::from_millis(500)), "empty");
    }

    proptest! {
        #[test]
        fn never_exceeds_burst_and_rate(steps in prop::collection::vec(0_u64..200, 1..300)) {
            let start = Instant::now();
            let mut bucket = Bucket::new(5, 20);
            let (mut now, mut taken) = (start, 0_u128);
            for step in steps {
                now += Duration::from_millis(step);
                taken += u128::from(bucket.take(now));
                prop_assert!(taken <= 5 + (now - start).as_millis() / 50);
            }
        }
    }
}
