//! Names that machines give themselves and each other.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

const MAX_LENGTH: usize = 64;

/// The name of a media node, as in settings, hooks and rows: 1 to 64 ASCII letters, digits, `.`, `_` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 ASCII letters, digits, '.', '_' or '-'")]
pub struct InvalidNodeName;

impl NodeName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeName {
    type Err = InvalidNodeName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for NodeName {
    type Error = InvalidNodeName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_machine_name(&text) {
            Ok(Self(text))
        } else {
            Err(InvalidNodeName)
        }
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for NodeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

/// Returns whether `text` obeys the rule of [`NodeName`], which boot ids, visitor ids and names of gateway
/// processes share. That makes it safe in URLs, Redis keys and metric labels.
#[must_use]
pub fn is_machine_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        let longest = "a".repeat(MAX_LENGTH);
        for good in ["main", "eu-1.example_2", longest.as_str()] {
            assert_eq!(good.parse::<NodeName>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(MAX_LENGTH + 1);
        for bad in ["", "a/b", "a b", "é", "a=b", "a;b", too_long.as_str()] {
            assert_eq!(bad.parse::<NodeName>(), Err(InvalidNodeName), "{bad:?}");
        }
    }
}
