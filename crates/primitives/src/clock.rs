//! Time as a parameter, so that rules about time are tested without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, Utc};

/// Tells the time: the system's, or one that a test sets. Clones of a manual clock share one time.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `now` until it is advanced.
    #[must_use]
    pub fn manual(now: DateTime<Utc>) -> Self {
        Self {
            manual: Some(Arc::new(AtomicI64::new(now.timestamp_micros()))),
        }
    }

    /// The present, cut to microseconds, which is what PostgreSQL keeps.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.manual {
            Some(manual) => manual.load(Ordering::SeqCst),
            None => Utc::now().timestamp_micros(),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Moves a manual clock forward; the system's clock does not care.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.manual {
            manual.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_advance_together() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let clone = clock.clone();
        clock.advance(Duration::seconds(3));
        assert_eq!(clone.now(), DateTime::UNIX_EPOCH + Duration::seconds(3));
    }
}
