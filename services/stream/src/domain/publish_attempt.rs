//! Decides whether an encoder may publish.

use super::{EncoderHealth, Keyring, PublishRejection, StreamSecret};

/// What is known when an encoder asks to publish.
#[derive(Debug)]
pub struct PublishAttempt<'a> {
    /// The secret that the encoder sent, if it is well-formed.
    pub secret: Option<&'a StreamSecret>,
    /// The hash of the stream's secret, if a stream has this playback name.
    pub secret_hash: Option<&'a [u8]>,
    /// Whether the owner is banned or deleted.
    pub owner_banned: bool,
    /// Whether the disk for recordings has enough free space.
    pub has_disk_space: bool,
    /// The health of the stream's current encoder, if it has one.
    pub current: Option<EncoderHealth>,
}

/// Decides whether an encoder may publish. The key comes first, so that callers without it learn nothing
/// else.
pub fn check_publish(attempt: &PublishAttempt<'_>, keyring: &Keyring) -> Result<(), PublishRejection> {
    // Compares against zeros for an unknown stream, so that timing does not reveal which names exist.
    let hash = attempt.secret_hash.unwrap_or(&[0; 32]);
    let key_matches = attempt.secret.is_some_and(|secret| keyring.matches(secret, hash));
    match attempt {
        PublishAttempt {
            secret_hash: None, ..
        } => Err(PublishRejection::UnknownStream),
        _ if !key_matches => Err(PublishRejection::WrongKey),
        PublishAttempt {
            owner_banned: true, ..
        } => Err(PublishRejection::Banned),
        PublishAttempt {
            current: Some(EncoderHealth::Healthy),
            ..
        } => Err(PublishRejection::AlreadyLive),
        PublishAttempt {
            current: Some(EncoderHealth::Unknown),
            ..
        } => Err(PublishRejection::Busy),
        PublishAttempt {
            has_disk_space: false,
            ..
        } => Err(PublishRejection::DiskFull),
        PublishAttempt {
            current: None | Some(EncoderHealth::Stale | EncoderHealth::Disconnected),
            ..
        } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn each_rule_rejects() {
        let keyring = Keyring::new(&SecretString::from("a master key of thirty-two bytes!!"));
        let (right, wrong) = (StreamSecret::random(), StreamSecret::random());
        let hash = keyring.hash(&right);
        let good = || PublishAttempt {
            secret: Some(&right),
            secret_hash: Some(&hash),
            owner_banned: false,
            has_disk_space: true,
            current: None,
        };
        let check = |attempt: PublishAttempt<'_>| check_publish(&attempt, &keyring);
        let with_current = |health| PublishAttempt {
            current: Some(health),
            ..good()
        };
        assert_eq!(check(good()), Ok(()));
        assert_eq!(check(with_current(EncoderHealth::Stale)), Ok(()));
        assert_eq!(check(with_current(EncoderHealth::Disconnected)), Ok(()));
        let healthy = check(with_current(EncoderHealth::Healthy));
        assert_eq!(healthy, Err(PublishRejection::AlreadyLive));
        let unknown = check(with_current(EncoderHealth::Unknown));
        assert_eq!(unknown, Err(PublishRejection::Busy));

        let mut attempt = good();
        attempt.secret_hash = None;
        assert_eq!(check(attempt), Err(PublishRejection::UnknownStream));
        for secret in [Some(&wrong), None] {
            let attempt = PublishAttempt { secret, ..good() };
            assert_eq!(check(attempt), Err(PublishRejection::WrongKey));
        }
        let mut attempt = good();
        attempt.owner_banned = true;
        assert_eq!(check(attempt), Err(PublishRejection::Banned));
        let mut attempt = good();
        attempt.has_disk_space = false;
        assert_eq!(check(attempt), Err(PublishRejection::DiskFull));

        let mut attempt = good();
        (attempt.secret, attempt.owner_banned) = (Some(&wrong), true);
        let rejection = Err(PublishRejection::WrongKey);
        assert_eq!(
            check(attempt),
            rejection,
            "a stranger learns nothing about the owner"
        );
    }
}
