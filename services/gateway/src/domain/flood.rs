//! When the events of a socket are rejected, and when a flooding socket is disconnected.

use tokio::time::Instant;

use crate::domain::rate::Bucket;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventDecision {
    Accept,
    /// The client gets an error.
    Reject,
    /// The event that exceeds the limit: the socket is disconnected.
    Disconnect,
    /// Follows that event, and gets no answer.
    Ignore,
}

/// Counts all events of one socket, valid or not. Rejections cost work, too, so they have the same limit as
/// events: a client that is too fast gets errors, and one that sends more than twice its limit is
/// disconnected.
#[derive(Debug)]
pub(crate) struct Flood {
    events: Bucket,
    rejections: Bucket,
    disconnected: bool,
}

impl Flood {
    /// Allows `burst` events at once and `per_second` in the long run.
    pub(crate) fn new(burst: u32, per_second: u32) -> Self {
        Self {
            events: Bucket::new(burst, per_second),
            rejections: Bucket::new(burst, per_second),
            disconnected: false,
        }
    }

    /// Counts an event.
    pub(crate) fn event(&mut self, now: Instant) -> EventDecision {
        if !self.disconnected && self.events.take(now) {
            EventDecision::Accept
        } else {
            self.rejection(now)
        }
    }

    /// Counts a rejection, also of an event that was accepted but did not fit into the queue.
    pub(crate) fn rejection(&mut self, now: Instant) -> EventDecision {
        if self.disconnected {
            EventDecision::Ignore
        } else if self.rejections.take(now) {
            EventDecision::Reject
        } else {
            self.disconnected = true;
            EventDecision::Disconnect
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn decisions(flood: &mut Flood, events: usize, now: Instant) -> Vec<(EventDecision, usize)> {
        let mut counts: Vec<(EventDecision, usize)> = Vec::new();
        for _ in 0..events {
            let decision = flood.event(now);
            match counts.last_mut().filter(|(last, _)| *last == decision) {
                Some((_, count)) => *count += 1,
                None => counts.push((decision, 1)),
            }
        }
        counts
    }

    #[test]
    fn flood_is_disconnected_above_twice_its_limit() {
        let mut flood = Flood::new(3, 10);
        assert_eq!(
            decisions(&mut flood, 20, Instant::now()),
            [
                (EventDecision::Accept, 3),
                (EventDecision::Reject, 3),
                (EventDecision::Disconnect, 1),
                (EventDecision::Ignore, 13),
            ]
        );
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(flood.event(later), EventDecision::Ignore, "disconnected for good");
    }

    #[test]
    fn slight_excess_is_never_disconnected() {
        let (mut flood, start) = (Flood::new(3, 10), Instant::now());
        // 20 per second; 10 are allowed.
        for n in 0..2000 {
            let decision = flood.event(start + Duration::from_millis(50) * n);
            assert!(
                matches!(decision, EventDecision::Accept | EventDecision::Reject),
                "{n}"
            );
        }
    }
}
