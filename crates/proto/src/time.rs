//! Times as protobuf messages. Events and responses have microseconds, the precision of PostgreSQL.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

#[must_use]
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0),
    }
}

/// Reads a time; `None` if it is absent or outside chrono's range.
#[must_use]
pub fn datetime(timestamp: Option<&Timestamp>) -> Option<DateTime<Utc>> {
    let timestamp = timestamp?;
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip(seconds in -62_135_596_800..253_402_300_800_i64, nanos in 0..1_000_000_000_u32) {
            let time = DateTime::from_timestamp(seconds, nanos).unwrap();
            prop_assert_eq!(datetime(Some(&timestamp(time))), Some(time));
        }

        #[test]
        fn any_message_is_a_time_or_none(seconds: i64, nanos: i32) {
            let message = Timestamp { seconds, nanos };
            if let Some(time) = datetime(Some(&message)) {
                prop_assert_eq!(time.timestamp(), seconds);
            }
        }
    }

    #[test]
    fn negative_nanoseconds_are_invalid() {
        let invalid = Timestamp {
            seconds: 0,
            nanos: -1,
        };
        assert_eq!(datetime(Some(&invalid)), None);
    }
}
