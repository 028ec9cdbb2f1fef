//! Idempotency keys (draft-ietf-httpapi-idempotency-key-header), which make retries of a creating request
//! safe.

use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, UserId};

const MAX_KEY_LENGTH: usize = 255;

/// A client's name for a request: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Parses the value of a header: a quoted string, as the draft specifies, or a bare one, as most clients
    /// send.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let key = quoted.unwrap_or(value);
        let is_plain = key
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        (is_plain && (1..=MAX_KEY_LENGTH).contains(&key.len())).then(|| Self(key.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Identifies a creating request: retries have the same user, operation, key and fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The owner of the key; different users may choose the same key.
    pub user: UserId,
    /// The name of the operation, such as `stream.create`.
    pub operation: &'static str,
    pub key: IdempotencyKey,
    /// SHA-256 of the content, which exposes a key that is reused for a different request.
    pub fingerprint: [u8; 32],
}

impl IdempotentRequest {
    /// Creates the identity of a request whose content is the given parts.
    #[must_use]
    pub fn new(user: UserId, operation: &'static str, key: IdempotencyKey, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // With its length in front, a part cannot be confused with the neighbouring parts.
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

/// `request.idempotency_key_reused`: the key belongs to a request with different content.
#[must_use]
pub fn key_reused() -> Error {
    Error::new(
        ErrorKind::Unprocessable,
        "request.idempotency_key_reused",
        "This Idempotency-Key was already used for a different request.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_ascii_quoted_or_bare() {
        let parse = |value: &str| IdempotencyKey::parse(value).map(|key| key.0);
        assert_eq!(parse("8e03978e-40d5"), Some("8e03978e-40d5".to_owned()));
        assert_eq!(parse("\"8e03978e-40d5\""), parse("8e03978e-40d5"));
        assert!(parse(&"a".repeat(255)).is_some());
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
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn fingerprint_depends_on_content_and_part_boundaries() {
        let fingerprint = |parts: &[&[u8]]| {
            let key = IdempotencyKey::parse("k").unwrap();
            IdempotentRequest::new(UserId(1), "stream.create", key, parts).fingerprint
        };
        assert_eq!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"ab", b"c"]));
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_ne!(fingerprint(&[b"ab"]), fingerprint(&[b"ab", b""]));
    }
}
