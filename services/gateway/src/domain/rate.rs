//! How often something may happen: a bucket of tokens that fills steadily.

use std::time::{Duration, Instant};

/// Allows `burst` at once and `per_second` in the long run.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    burst: u32,
    interval: Duration,
    /// When the bucket was, or will be, as full as it gets.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3, 10);
        assert_eq!((0..5).filter(|_| bucket.take(start)).count(), 3);
        assert!(!bucket.take(start + Duration::from_millis(99)));
        assert!(bucket.take(start + Duration::from_millis(100)));
        assert!(!bucket.take(start + Duration::from_millis(100)));
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate(steps in prop::collection::vec(0_u64..200, 1..300)) {
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
