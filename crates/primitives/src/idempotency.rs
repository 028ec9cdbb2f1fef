//! Requests that a client may send again without doing twice what they do
//! (draft-ietf-httpapi-idempotency-key-header).

use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, UserId};

/// Characters of a key at most.
const MOST_CHARS: usize = 255;

/// A client's name for a request that it may send again: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes a header's value: a string in double quotes, as the draft has it, or bare, as most clients write
    /// it.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let name = quoted.unwrap_or(value);
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        (plain && (1..=MOST_CHARS).contains(&name.len())).then(|| Self(name.to_owned()))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One try of a request that makes something. Tries with the same user, operation and key are one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whose request it is; keys of different users have nothing to do with each other.
    pub user: UserId,
    /// What it does, such as `stream.create`.
    pub operation: &'static str,
    /// Its name.
    pub key: IdempotencyKey,
    /// SHA-256 of what it says.
    pub fingerprint: [u8; 32],
}

impl Attempt {
    /// A try whose request consists of these parts.
    #[must_use]
    pub fn new(user: UserId, operation: &'static str, key: IdempotencyKey, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // Without its length a byte could wander from one part to the next unnoticed.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self {
            user,
            operation,
            key,
            fingerprint: hash.finalize().into(),
        }
    }
}

/// The key was used for another request.
#[must_use]
pub fn reused() -> Error {
    Error::new(
        ErrorKind::Unprocessable,
        "request.idempotency_key_reused",
        "The Idempotency-Key was used for another request.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_visible_and_quoted_or_not() {
        let of = |value: &str| IdempotencyKey::parse(value).map(|key| key.0);
        assert_eq!(of("8e03978e-40d5"), Some("8e03978e-40d5".to_owned()));
        assert_eq!(of("\"8e03978e-40d5\""), of("8e03978e-40d5"));
        assert!(of(&"a".repeat(255)).is_some());
        for bad in [
            "",
            "\"\"",
            "\"",
            "a b",
            "a\tb",
            "ключ",
            "a\"b",
            "\"a",
            "a\\b",
            &"a".repeat(256),
        ] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_said_and_where_decides_the_fingerprint() {
        let of = |parts: &[&[u8]]| {
            let key = IdempotencyKey::parse("k").unwrap();
            Attempt::new(UserId(1), "stream.create", key, parts).fingerprint
        };
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab"]), of(&[b"ab", b""]));
    }
}
