//! Detects encoders that stay connected but send nothing. A frozen encoder even keeps its hooks alive; only
//! its byte count stops growing.

use chrono::{DateTime, Duration, Utc};

/// An encoder that has sent nothing for longer is stale.
const STALL_TIMEOUT: Duration = Duration::seconds(3);

/// What the latest polls of a node showed about one encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaProgress {
    /// Bytes of media received.
    pub bytes: u64,
    /// When the encoder was last seen.
    pub seen_at: DateTime<Utc>,
    /// When `bytes` was last seen to grow.
    pub grew_at: DateTime<Utc>,
}

/// The result of polling a node now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaReading {
    /// Bytes of media received, or `None` if the encoder is not connected.
    pub bytes: Option<u64>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncoderHealth {
    /// Sends media, so no other encoder may replace it.
    Healthy,
    /// Connected, but has sent nothing for a while.
    Stale,
    Disconnected,
    /// Has sent something since a poll too long ago to judge by. Polling again decides.
    Unknown,
}

impl MediaProgress {
    #[must_use]
    pub fn health(&self, reading: MediaReading) -> EncoderHealth {
        let recent = |time: DateTime<Utc>| reading.at - time <= STALL_TIMEOUT;
        match reading.bytes {
            // A node may not list an encoder yet that was accepted a moment ago.
            None if self.bytes == 0 && recent(self.grew_at) => EncoderHealth::Healthy,
            None => EncoderHealth::Disconnected,
            Some(_) if recent(self.grew_at) => EncoderHealth::Healthy,
            Some(bytes) if bytes <= self.bytes => EncoderHealth::Stale,
            Some(_) if recent(self.seen_at) => EncoderHealth::Healthy,
            Some(_) => EncoderHealth::Unknown,
        }
    }

    /// Returns the progress after a poll that found the encoder connected.
    #[must_use]
    pub fn after(self, bytes: u64, at: DateTime<Utc>) -> Self {
        let grew_at = if bytes > self.bytes { at } else { self.grew_at };
        Self {
            bytes: bytes.max(self.bytes),
            seen_at: at,
            grew_at,
        }
    }

    /// Returns when the media stopped, for an encoder that is found disconnected at `now`. Polls are at most
    /// a few seconds apart, so a longer standstill means that the encoder stalled before it disconnected.
    #[must_use]
    pub fn stopped_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        if now - self.grew_at > STALL_TIMEOUT {
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

    fn progress(bytes: u64, seen: i64, grew: i64) -> MediaProgress {
        MediaProgress {
            bytes,
            seen_at: at(seen),
            grew_at: at(grew),
        }
    }

    fn health(progress: MediaProgress, bytes: impl Into<Option<u64>>, now: i64) -> EncoderHealth {
        progress.health(MediaReading {
            bytes: bytes.into(),
            at: at(now),
        })
    }

    #[test]
    fn encoder_is_healthy_if_bytes_grew_within_three_seconds() {
        assert_eq!(health(progress(100, 10, 10), 100, 12), EncoderHealth::Healthy);
        assert_eq!(health(progress(100, 10, 10), 100, 14), EncoderHealth::Stale);
        assert_eq!(health(progress(100, 10, 4), 101, 12), EncoderHealth::Healthy);
        assert_eq!(health(progress(100, 10, 10), 101, 20), EncoderHealth::Unknown);
        assert_eq!(
            health(progress(100, 10, 10), None, 11),
            EncoderHealth::Disconnected
        );
    }

    #[test]
    fn newly_accepted_encoder_has_time_to_appear() {
        assert_eq!(health(progress(0, 10, 10), None, 11), EncoderHealth::Healthy);
        assert_eq!(health(progress(0, 10, 10), None, 14), EncoderHealth::Disconnected);
        assert_eq!(health(progress(0, 10, 10), 0, 14), EncoderHealth::Stale);
    }

    #[test]
    fn media_stopped_when_bytes_stopped_growing() {
        assert_eq!(progress(100, 20, 10).stopped_at(at(20)), at(10));
        assert_eq!(progress(100, 20, 19).stopped_at(at(20)), at(20));
        let later = progress(100, 10, 10)
            .after(100, at(12))
            .after(120, at(14))
            .after(120, at(16));
        assert_eq!(later, progress(120, 16, 14));
    }
}
