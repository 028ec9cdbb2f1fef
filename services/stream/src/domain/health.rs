//! Does an encoder still send? A frozen one stays connected and even renews itself; only its bytes stand
//! still.

use chrono::{DateTime, Duration, Utc};

/// An encoder whose bytes grew within this time is healthy.
const SILENCE: Duration = Duration::seconds(3);

/// What was noted at the latest looks at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of media at the latest look.
    pub bytes: u64,
    /// When that was.
    pub seen_at: DateTime<Utc>,
    /// The latest look at which they had grown.
    pub grew_at: DateTime<Utc>,
}

/// A look at a node, now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Bytes of media; none when the encoder is not there.
    pub bytes: Option<u64>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a reading says about an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It sends: nobody takes its place.
    Healthy,
    /// It is connected, but has sent nothing for a while.
    Stale,
    /// It is not there.
    Gone,
    /// It has grown since a look that was long ago: another look will tell.
    Unclear,
}

impl Progress {
    /// Takes a reading in and says what it means.
    #[must_use]
    pub fn health(&self, reading: Reading) -> Health {
        let recent = |time: DateTime<Utc>| reading.at - time <= SILENCE;
        match reading.bytes {
            // The node may not list an encoder yet that was let in a moment ago.
            None if self.bytes == 0 && recent(self.grew_at) => Health::Healthy,
            None => Health::Gone,
            Some(_) if recent(self.grew_at) => Health::Healthy,
            Some(bytes) if bytes <= self.bytes => Health::Stale,
            Some(_) if recent(self.seen_at) => Health::Healthy,
            Some(_) => Health::Unclear,
        }
    }

    /// The progress after a reading that found the encoder there.
    #[must_use]
    pub fn after(self, bytes: u64, at: DateTime<Utc>) -> Self {
        let grew_at = if bytes > self.bytes { at } else { self.grew_at };
        Self {
            bytes: bytes.max(self.bytes),
            seen_at: at,
            grew_at,
        }
    }

    /// When the media had stopped, if the encoder is found gone now: the looks are a few seconds apart at
    /// most, so a longer standstill was one of the encoder.
    #[must_use]
    pub fn stopped_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        if now - self.grew_at > SILENCE {
            self.grew_at
        } else {
            now
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::seconds(seconds)
    }

    fn progress(bytes: u64, seen: i64, grew: i64) -> Progress {
        Progress {
            bytes,
            seen_at: at(seen),
            grew_at: at(grew),
        }
    }

    fn health(progress: Progress, bytes: impl Into<Option<u64>>, now: i64) -> Health {
        progress.health(Reading {
            bytes: bytes.into(),
            at: at(now),
        })
    }

    #[test]
    fn growth_within_three_seconds_is_health() {
        assert_eq!(health(progress(100, 10, 10), 100, 12), Health::Healthy);
        assert_eq!(health(progress(100, 10, 10), 100, 14), Health::Stale);
        assert_eq!(health(progress(100, 10, 4), 101, 12), Health::Healthy);
        assert_eq!(health(progress(100, 10, 10), 101, 20), Health::Unclear);
        assert_eq!(health(progress(100, 10, 10), None, 11), Health::Gone);
    }

    #[test]
    fn an_encoder_that_was_just_let_in_has_time_to_appear() {
        assert_eq!(health(progress(0, 10, 10), None, 11), Health::Healthy);
        assert_eq!(health(progress(0, 10, 10), None, 14), Health::Gone);
        assert_eq!(health(progress(0, 10, 10), 0, 14), Health::Stale);
    }

    #[test]
    fn media_stopped_when_the_bytes_stood_still() {
        assert_eq!(progress(100, 20, 10).stopped_at(at(20)), at(10));
        assert_eq!(progress(100, 20, 19).stopped_at(at(20)), at(20));
        let later = progress(100, 10, 10)
            .after(100, at(12))
            .after(120, at(14))
            .after(120, at(16));
        assert_eq!(later, progress(120, 16, 14));
    }
}
