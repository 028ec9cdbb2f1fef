//! When a socket that says too much is refused, and when it is cut.

use std::time::Instant;

use crate::domain::rate::Bucket;

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may be handled.
    Pass,
    /// It is answered with an error.
    Refuse,
    /// It is the one that was too much: the socket is closed.
    Cut,
    /// It comes after that one, and is not even answered.
    Ignore,
}

/// Counts all events of one socket, good or not. Refusals cost work, too, so there may be as many of them as
/// there may be events: a client that is too fast is told so, and one that says more than twice what it may
/// is cut.
#[derive(Debug)]
pub(crate) struct Flood {
    events: Bucket,
    refusals: Bucket,
    over: bool,
}

impl Flood {
    /// A socket that may send `burst` events at once and `per_second` in the long run.
    pub(crate) fn new(burst: u32, per_second: u32) -> Self {
        Self {
            events: Bucket::new(burst, per_second),
            refusals: Bucket::new(burst, per_second),
            over: false,
        }
    }

    /// An event came.
    pub(crate) fn event(&mut self, now: Instant) -> Verdict {
        if !self.over && self.events.take(now) {
            Verdict::Pass
        } else {
            self.refusal(now)
        }
    }

    /// An event that was let pass could not be taken after all.
    pub(crate) fn refusal(&mut self, now: Instant) -> Verdict {
        if self.over {
            Verdict::Ignore
        } else if self.refusals.take(now) {
            Verdict::Refuse
        } else {
            self.over = true;
            Verdict::Cut
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn verdicts(flood: &mut Flood, events: usize, now: Instant) -> Vec<(Verdict, usize)> {
        let mut counts: Vec<(Verdict, usize)> = Vec::new();
        for _ in 0..events {
            let verdict = flood.event(now);
            match counts.last_mut().filter(|(last, _)| *last == verdict) {
                Some((_, count)) => *count += 1,
                None => counts.push((verdict, 1)),
            }
        }
        counts
    }

    #[test]
    fn who_says_more_than_twice_what_it_may_is_cut() {
        let mut flood = Flood::new(3, 10);
        assert_eq!(
            verdicts(&mut flood, 20, Instant::now()),
            [
                (Verdict::Pass, 3),
                (Verdict::Refuse, 3),
                (Verdict::Cut, 1),
                (Verdict::Ignore, 13),
            ]
        );
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(flood.event(later), Verdict::Ignore, "it is over");
    }

    #[test]
    fn who_is_a_little_too_fast_is_never_cut() {
        let (mut flood, start) = (Flood::new(3, 10), Instant::now());
        // 20 a second where 10 may be.
        for n in 0..2000 {
            let verdict = flood.event(start + Duration::from_millis(50) * n);
            assert!(matches!(verdict, Verdict::Pass | Verdict::Refuse), "{n}");
        }
    }
}
