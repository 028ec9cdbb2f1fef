//! Typed ids: positive `i64`, in decimal in URLs and as numbers in JSON.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Not a positive decimal number of at most 63 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid id")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = InvalidId;

            fn try_from(id: i64) -> Result<Self, InvalidId> {
                if id > 0 { Ok(Self(id)) } else { Err(InvalidId) }
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                positive_decimal(text).map(Self)
            }
        }
    };
}

id!(UserId);
id!(
    /// A stream, which outlives its broadcasts.
    StreamId
);
id!(
    /// One time on air of a stream.
    BroadcastId
);
id!(VodId);
id!(CategoryId);
id!(NotificationId);

/// Parses digits without a sign or leading zeros, so that each id has only one spelling.
fn positive_decimal(text: &str) -> Result<i64, InvalidId> {
    if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidId);
    }
    text.parse().map_err(|_| InvalidId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_has_one_spelling() {
        assert_eq!("17".parse(), Ok(UserId(17)));
        assert_eq!("9223372036854775807".parse(), Ok(UserId(i64::MAX)));
        for bad in [
            "",
            "0",
            "017",
            "+1",
            "-1",
            "1e3",
            "abc",
            "9223372036854775808",
            " 1",
        ] {
            assert_eq!(bad.parse::<UserId>(), Err(InvalidId), "{bad:?}");
        }
    }
}
