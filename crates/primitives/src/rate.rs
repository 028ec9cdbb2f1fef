//! How often something may happen.

use std::time::Duration;

/// A burst at once, and then one for each interval: the generic cell rate algorithm. The whole state is one
/// number, the time until which what was taken is paid for, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// The time in which a whole burst comes back.
    pub window: Duration,
}

/// What was taken, and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The new state.
    pub paid_until: i64,
    /// How many may happen now.
    pub granted: u32,
    /// How many more might.
    pub left: u32,
}

impl Rate {
    /// A rate of `burst` in each minute.
    #[must_use]
    pub const fn per_minute(burst: u32) -> Self {
        Self {
            burst,
            window: Duration::from_secs(60),
        }
    }

    /// Microseconds that one costs.
    #[must_use]
    pub fn cost(self) -> i64 {
        let window = i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX);
        (window / i64::from(self.burst.max(1))).max(1)
    }

    /// Takes up to `most` at a time in microseconds.
    ///
    /// # Errors
    /// How long to wait, when there is not one.
    pub fn take(self, paid_until: Option<i64>, now: i64, most: u32) -> Result<Taken, Duration> {
        let cost = self.cost();
        let paid_until = paid_until.map_or(now, |until| until.max(now));
        let room = cost * i64::from(self.burst.max(1)) - (paid_until - now);
        let free = u32::try_from(room / cost).unwrap_or(0);
        if free == 0 {
            return Err(Duration::from_micros((cost - room).unsigned_abs()));
        }
        let granted = free.min(most.max(1));
        Ok(Taken {
            paid_until: paid_until + cost * i64::from(granted),
            granted,
            left: free - granted,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_burst_and_then_one_a_second() {
        let rate = Rate {
            burst: 5,
            window: Duration::from_secs(5),
        };
        let all = rate.take(None, SECOND, 9).unwrap();
        assert_eq!((all.granted, all.left), (5, 0));
        let state = Some(all.paid_until);
        assert_eq!(rate.take(state, SECOND, 1), Err(Duration::from_secs(1)));
        assert_eq!(rate.take(state, 2 * SECOND - 1, 1), Err(Duration::from_micros(1)));
        let one = rate.take(state, 2 * SECOND, 3).unwrap();
        assert_eq!((one.granted, one.left), (1, 0));
    }

    #[test]
    fn what_is_left_is_told() {
        let rate = Rate::per_minute(60);
        let taken = rate.take(None, 0, 1).unwrap();
        assert_eq!((taken.granted, taken.left), (1, 59));
        assert_eq!(rate.take(Some(taken.paid_until), 0, 10).unwrap().left, 49);
    }

    proptest! {
        /// In no window are there more than two bursts, and who waits as told is let through.
        #[test]
        fn no_window_holds_more_than_two_bursts(
            steps in prop::collection::vec((0_i64..3_000_000, 1_u32..4), 1..200),
            burst in 1_u32..10,
        ) {
            let rate = Rate { burst, window: Duration::from_secs(5) };
            let (mut now, mut state, mut passed) = (0, None, Vec::new());
            for (gap, most) in steps {
                now += gap;
                match rate.take(state, now, most) {
                    Ok(taken) => {
                        prop_assert!(taken.granted <= most && taken.granted + taken.left <= burst);
                        state = Some(taken.paid_until);
                        passed.push((now, taken.granted));
                    }
                    Err(wait) => {
                        let later = now + i64::try_from(wait.as_micros()).unwrap();
                        prop_assert!(rate.take(state, later, 1).is_ok());
                    }
                }
            }
            for (start, _) in &passed {
                let inside = passed.iter().filter(|(at, _)| (*start..start + 5_000_000).contains(at));
                prop_assert!(inside.map(|(_, granted)| granted).sum::<u32>() <= 2 * burst);
            }
        }
    }
}
