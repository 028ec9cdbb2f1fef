use std::time::Duration;

/// How often one user may speak: a burst at once, and then one message for each interval (the generic cell rate algorithm). The
/// whole state is one number, the time until which what was said is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Messages at once.
    pub burst: u32,
    /// The time in which a whole burst comes back.
    pub window: Duration,
}

impl Rate {
    /// Milliseconds that one message costs.
    #[must_use]
    pub fn cost(self) -> i64 {
        let window = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX);
        (window / i64::from(self.burst.max(1))).max(1)
    }

    /// Takes one message at a time in milliseconds. Answers the new state.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(self, paid_until: Option<i64>, now: i64) -> Result<i64, Duration> {
        let cost = self.cost();
        let paid_until = paid_until.map_or(now, |until| until.max(now)) + cost;
        let wait = paid_until - now - cost * i64::from(self.burst.max(1));
        if wait > 0 {
            Err(Duration::from_millis(wait.unsigned_abs()))
        } else {
            Ok(paid_until)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate {
        burst: 5,
        window: Duration::from_secs(5),
    };

    #[test]
    fn a_burst_and_then_one_a_second() {
        let mut state = None;
        for _ in 0..5 {
            state = Some(RATE.take(state, 1000).unwrap());
        }
        assert_eq!(RATE.take(state, 1000), Err(Duration::from_secs(1)));
        assert_eq!(RATE.take(state, 1999), Err(Duration::from_millis(1)));
        state = Some(RATE.take(state, 2000).unwrap());
        assert_eq!(RATE.take(state, 2000), Err(Duration::from_secs(1)));
    }

    proptest! {
        /// In no window of any place are there more than two bursts, and who waits as told is heard.
        #[test]
        fn no_window_holds_more_than_two_bursts(gaps in prop::collection::vec(0_i64..3000, 1..200), burst in 1_u32..10) {
            let rate = Rate { burst, window: Duration::from_secs(5) };
            let (mut now, mut state, mut heard) = (0, None, Vec::new());
            for gap in gaps {
                now += gap;
                match rate.take(state, now) {
                    Ok(next) => {
                        state = Some(next);
                        heard.push(now);
                    }
                    Err(wait) => prop_assert!(rate.take(state, now + i64::try_from(wait.as_millis()).unwrap()).is_ok()),
                }
            }
            for start in &heard {
                let inside = heard.iter().filter(|at| (*start..start + 5000).contains(*at)).count();
                prop_assert!(inside <= 2 * burst as usize);
            }
        }
    }
}
