//! Protobuf times and ours. Events and answers carry microseconds, as PostgreSQL keeps them.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

/// A time as a protobuf message.
#[must_use]
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0),
    }
}

/// A protobuf time; `None` when it is absent or outside the calendar.
#[must_use]
pub fn datetime(timestamp: Option<&Timestamp>) -> Option<DateTime<Utc>> {
    let timestamp = timestamp?;
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_as_it_went() {
        let now = DateTime::from_timestamp_micros(1_795_376_364_123_456).unwrap();
        assert_eq!(datetime(Some(&timestamp(now))), Some(now));
        assert_eq!(
            datetime(Some(&Timestamp {
                seconds: 0,
                nanos: -1
            })),
            None
        );
    }
}
