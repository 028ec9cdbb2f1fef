//! Rate limits by the generic cell rate algorithm (GCRA).
//!
//! The whole state of a limit is one timestamp, the *theoretical arrival time*: how far the requests granted
//! so far, spaced at the sustained rate, reach into the future. That makes the state cheap to keep in Redis;
//! the crate `storage` runs the same algorithm in a Lua script.

use std::time::Duration;

/// A limit: a burst at once, and then one request per `window / burst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many requests may arrive at once.
    pub burst: u32,
    /// How long an exhausted burst takes to recover in full.
    pub window: Duration,
}

/// The part of a request for several cells that a limit grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// At least one.
    pub granted: u32,
    /// How many more would be granted now.
    pub remaining: u32,
}

impl Rate {
    /// Returns a limit of `burst` requests per minute.
    #[must_use]
    pub const fn per_minute(burst: u32) -> Self {
        Self {
            burst,
            window: Duration::from_secs(60),
        }
    }

    /// Returns how long one request takes to recover, in microseconds.
    #[must_use]
    pub fn interval(self) -> i64 {
        let window = i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX);
        (window / i64::from(self.burst.max(1))).max(1)
    }

    /// Grants up to `max` requests and returns the new theoretical arrival time.
    ///
    /// `arrival` is the one that the previous call returned. Both times are in microseconds.
    ///
    /// # Errors
    /// How long to wait until the next request is granted.
    pub fn take(self, arrival: Option<i64>, now: i64, max: u32) -> Result<(Grant, i64), Duration> {
        let interval = self.interval();
        let arrival = arrival.map_or(now, |arrival| arrival.max(now));
        let budget = interval * i64::from(self.burst.max(1)) - (arrival - now);
        let available = u32::try_from(budget / interval).unwrap_or(0);
        if available == 0 {
            return Err(Duration::from_micros((interval - budget).unsigned_abs()));
        }
        let granted = available.min(max.max(1));
        let grant = Grant {
            granted,
            remaining: available - granted,
        };
        Ok((grant, arrival + interval * i64::from(granted)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn grant(granted: u32, remaining: u32) -> Grant {
        Grant { granted, remaining }
    }

    #[test]
    fn grants_a_burst_and_then_one_per_interval() {
        let rate = Rate {
            burst: 5,
            window: Duration::from_secs(5),
        };
        let (all, arrival) = rate.take(None, SECOND, 9).unwrap();
        assert_eq!(all, grant(5, 0));
        let arrival = Some(arrival);
        assert_eq!(rate.take(arrival, SECOND, 1), Err(Duration::from_secs(1)));
        assert_eq!(
            rate.take(arrival, 2 * SECOND - 1, 1),
            Err(Duration::from_micros(1))
        );
        assert_eq!(rate.take(arrival, 2 * SECOND, 3).unwrap().0, grant(1, 0));
    }

    #[test]
    fn reports_what_remains() {
        let rate = Rate::per_minute(60);
        let (one, arrival) = rate.take(None, 0, 1).unwrap();
        assert_eq!(one, grant(1, 59));
        assert_eq!(rate.take(Some(arrival), 0, 10).unwrap().0.remaining, 49);
    }

    proptest! {
        /// No window contains more than two bursts, and a request that waits as long as required is granted.
        #[test]
        fn no_window_contains_more_than_two_bursts(
            steps in prop::collection::vec((0_i64..3_000_000, 1_u32..4), 1..200),
            burst in 1_u32..10,
        ) {
            let rate = Rate { burst, window: Duration::from_secs(5) };
            let (mut now, mut state, mut grants) = (0, None, Vec::new());
            for (gap, max) in steps {
                now += gap;
                match rate.take(state, now, max) {
                    Ok((Grant { granted, remaining }, arrival)) => {
                        prop_assert!(granted <= max && granted + remaining <= burst);
                        state = Some(arrival);
                        grants.push((now, granted));
                    }
                    Err(wait) => {
                        let later = now + i64::try_from(wait.as_micros()).unwrap();
                        prop_assert!(rate.take(state, later, 1).is_ok());
                    }
                }
            }
            for (start, _) in &grants {
                let inside = grants.iter().filter(|(at, _)| (*start..start + 5_000_000).contains(at));
                prop_assert!(inside.map(|(_, granted)| granted).sum::<u32>() <= 2 * burst);
            }
        }
    }
}
