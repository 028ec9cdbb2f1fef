use chrono::{DateTime, TimeDelta, Utc};

/// A URL is made anew when less than this is left.
const RENEWAL_MARGIN: TimeDelta = TimeDelta::hours(1);

/// An object that the bucket holds, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The whole key, with the deployment's prefix.
    pub key: String,
    /// The version that deletion names (on B2 the native file id); absent where a store has none.
    pub version_id: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Our SHA-256 in hex.
    pub sha256: String,
}

/// What the bucket says about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Bytes.
    pub size: u64,
    /// The newest version; absent where a store has none.
    pub version_id: Option<String>,
    /// The SHA-256 that we sent along, in hex; absent when someone else made the object.
    pub sha256: Option<String>,
    /// The type that it is served with.
    pub content_type: Option<String>,
}

/// A URL that opens one object to whoever holds it, for a time.
#[derive(Clone, PartialEq, Eq)]
pub struct Presigned {
    /// Signed for the public endpoint.
    pub url: String,
    /// From then on the bucket refuses it.
    pub expires_at: DateTime<Utc>,
}

/// A presigned URL is a key: it stays out of logs.
impl std::fmt::Debug for Presigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presigned")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Whether a URL that expires then must be made anew before it is handed out.
#[must_use]
pub fn needs_renewal(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    expires_at - now < RENEWAL_MARGIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_renewed_in_its_last_hour() {
        let now = DateTime::UNIX_EPOCH;
        assert!(needs_renewal(now + TimeDelta::minutes(59), now));
        assert!(needs_renewal(now - TimeDelta::minutes(1), now));
        assert!(!needs_renewal(now + TimeDelta::minutes(60), now));
    }

    #[test]
    fn a_presigned_url_does_not_print_itself() {
        let presigned = Presigned {
            url: "https://s3/k?X-Amz-Signature=abc".into(),
            expires_at: DateTime::UNIX_EPOCH,
        };
        assert!(!format!("{presigned:?}").contains("abc"));
    }
}
