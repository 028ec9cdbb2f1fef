use chrono::{DateTime, TimeDelta, Utc};

/// URLs that expire sooner are renewed.
const RENEWAL_MARGIN: TimeDelta = TimeDelta::hours(1);

/// An object that was uploaded and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The full key, including the deployment's prefix.
    pub key: String,
    /// The version to name when deleting (on B2, the native file id). Absent in stores without versions.
    pub version_id: Option<String>,
    /// In bytes.
    pub size: u64,
    /// In hex.
    pub sha256: String,
}

/// The metadata of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// In bytes.
    pub size: u64,
    /// The newest version. Absent in stores without versions.
    pub version_id: Option<String>,
    /// The SHA-256 in hex, if the object was uploaded by this crate with a known hash.
    pub sha256: Option<String>,
    pub content_type: Option<String>,
}

/// A URL that grants access to one object until it expires.
#[derive(Clone, PartialEq, Eq)]
pub struct Presigned {
    /// Signed for the public endpoint.
    pub url: String,
    pub expires_at: DateTime<Utc>,
}

/// Omits the URL, which is a credential and must not appear in logs.
impl std::fmt::Debug for Presigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presigned")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Returns whether a URL expires within an hour, and so must be renewed before it is returned to a client.
#[must_use]
pub fn needs_renewal(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    expires_at - now < RENEWAL_MARGIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_renewed_in_its_last_hour() {
        let now = DateTime::UNIX_EPOCH;
        assert!(needs_renewal(now + TimeDelta::minutes(59), now));
        assert!(needs_renewal(now - TimeDelta::minutes(1), now));
        assert!(!needs_renewal(now + TimeDelta::minutes(60), now));
    }

    #[test]
    fn debug_output_omits_the_url() {
        let presigned = Presigned {
            url: "https://s3/k?X-Amz-Signature=abc".into(),
            expires_at: DateTime::UNIX_EPOCH,
        };
        assert!(!format!("{presigned:?}").contains("abc"));
    }
}
