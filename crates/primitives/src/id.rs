//! Typed ids. All are positive `i64`, written in decimal in URLs and JSON.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is no id: not a positive decimal number that fits 63 bits.
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

id!(
    /// An account.
    UserId
);
id!(
    /// A stream: a title, a key and a chat room that outlive each time on air.
    StreamId
);
id!(
    /// One time on air of a stream.
    BroadcastId
);
id!(
    /// A video on demand.
    VodId
);
id!(
    /// A category of streams and VODs.
    CategoryId
);
id!(
    /// One user's notification.
    NotificationId
);

/// Digits only, no sign, no leading zero: each id has one spelling.
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
    fn an_id_has_one_spelling() {
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
