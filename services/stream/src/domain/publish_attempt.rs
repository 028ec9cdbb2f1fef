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

/// Decides whether an encoder may publish. The key comes first, so that callers without it learn nothing else.
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
        let rejected = |attempt: PublishAttempt<'_>| check_publish(&attempt, &keyring).unwrap_err();
        assert_eq!(check_publish(&good(), &keyring), Ok(()));
        assert_eq!(
            check_publish(
                &PublishAttempt {
                    current: Some(EncoderHealth::Stale),
                    ..good()
                },
                &keyring
            ),
            Ok(())
        );
        assert_eq!(
            check_publish(
                &PublishAttempt {
                    current: Some(EncoderHealth::Disconnected),
                    ..good()
                },
                &keyring
            ),
            Ok(())
        );
        assert_eq!(
            rejected(PublishAttempt {
                secret_hash: None,
                ..good()
            }),
            PublishRejection::UnknownStream
        );
        assert_eq!(
            rejected(PublishAttempt {
                secret: Some(&wrong),
                ..good()
            }),
            PublishRejection::WrongKey
        );
        assert_eq!(
            rejected(PublishAttempt {
                secret: None,
                ..good()
            }),
            PublishRejection::WrongKey
        );
        assert_eq!(
            rejected(PublishAttempt {
                owner_banned: true,
                ..good()
            }),
            PublishRejection::Banned
        );
        assert_eq!(
            rejected(PublishAttempt {
                has_disk_space: false,
                ..good()
            }),
            PublishRejection::DiskFull
        );
        assert_eq!(
            rejected(PublishAttempt {
                current: Some(EncoderHealth::Healthy),
                ..good()
            }),
            PublishRejection::AlreadyLive
        );
        assert_eq!(
            rejected(PublishAttempt {
                current: Some(EncoderHealth::Unknown),
                ..good()
            }),
            PublishRejection::Busy
        );
        let wrong_and_banned = PublishAttempt {
            secret: Some(&wrong),
            owner_banned: true,
            ..good()
        };
        assert_eq!(
            rejected(wrong_and_banned),
            PublishRejection::WrongKey,
            "a stranger learns nothing about the owner"
        );
    }
}
