//! May this encoder publish?

use super::{Health, Keyring, Secret};

/// What is known when an encoder asks to publish.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The secret that it gave, when it had the right shape.
    pub secret: Option<&'a Secret>,
    /// The hash of the stream's secret; none when there is no such stream.
    pub secret_hash: Option<&'a [u8]>,
    /// Whether the stream's owner is banned or gone.
    pub owner_banned: bool,
    /// Whether the disk for recordings has room.
    pub space_left: bool,
    /// How the encoder is that publishes to the stream already, if there is one.
    pub other: Option<Health>,
}

/// Why an encoder is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no stream of this name. Nobody is told.
    UnknownStream,
    /// The secret is not the stream's, or not any more.
    WrongKey,
    /// The owner is banned.
    Banned,
    /// The disk for recordings is nearly full.
    DiskFull,
    /// Another encoder sends already.
    AlreadyLive,
    /// Another encoder is there, and it could not be found out in time whether it sends, or it could not be
    /// dropped.
    Busy,
}

impl Refusal {
    /// The reason as the owner reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownStream => "unknown_stream",
            Self::WrongKey => "wrong_key",
            Self::Banned => "banned",
            Self::DiskFull => "disk_full",
            Self::AlreadyLive => "already_live",
            Self::Busy => "busy",
        }
    }
}

/// Decides whether an encoder may publish. What a stranger could learn from an answer is decided first.
///
/// # Errors
/// Why not.
pub fn judge(attempt: &Attempt<'_>, keyring: &Keyring) -> Result<(), Refusal> {
    // Compared even when there is nothing to compare with, so that the time tells nothing.
    let hash = attempt.secret_hash.unwrap_or(&[0; 32]);
    let right = attempt.secret.is_some_and(|secret| keyring.matches(secret, hash));
    match attempt {
        Attempt {
            secret_hash: None, ..
        } => Err(Refusal::UnknownStream),
        _ if !right => Err(Refusal::WrongKey),
        Attempt {
            owner_banned: true, ..
        } => Err(Refusal::Banned),
        Attempt {
            other: Some(Health::Healthy),
            ..
        } => Err(Refusal::AlreadyLive),
        Attempt {
            other: Some(Health::Unclear),
            ..
        } => Err(Refusal::Busy),
        Attempt {
            space_left: false, ..
        } => Err(Refusal::DiskFull),
        Attempt {
            other: None | Some(Health::Stale | Health::Gone),
            ..
        } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn each_reason_refuses() {
        let keyring = Keyring::new(&SecretString::from("a master key of thirty-two bytes!!"));
        let (right, wrong) = (Secret::random(), Secret::random());
        let hash = keyring.hash(&right);
        let good = || Attempt {
            secret: Some(&right),
            secret_hash: Some(&hash),
            owner_banned: false,
            space_left: true,
            other: None,
        };
        let refused = |attempt: Attempt<'_>| judge(&attempt, &keyring).unwrap_err();
        assert_eq!(judge(&good(), &keyring), Ok(()));
        assert_eq!(
            judge(
                &Attempt {
                    other: Some(Health::Stale),
                    ..good()
                },
                &keyring
            ),
            Ok(())
        );
        assert_eq!(
            judge(
                &Attempt {
                    other: Some(Health::Gone),
                    ..good()
                },
                &keyring
            ),
            Ok(())
        );
        assert_eq!(
            refused(Attempt {
                secret_hash: None,
                ..good()
            }),
            Refusal::UnknownStream
        );
        assert_eq!(
            refused(Attempt {
                secret: Some(&wrong),
                ..good()
            }),
            Refusal::WrongKey
        );
        assert_eq!(
            refused(Attempt {
                secret: None,
                ..good()
            }),
            Refusal::WrongKey
        );
        assert_eq!(
            refused(Attempt {
                owner_banned: true,
                ..good()
            }),
            Refusal::Banned
        );
        assert_eq!(
            refused(Attempt {
                space_left: false,
                ..good()
            }),
            Refusal::DiskFull
        );
        assert_eq!(
            refused(Attempt {
                other: Some(Health::Healthy),
                ..good()
            }),
            Refusal::AlreadyLive
        );
        assert_eq!(
            refused(Attempt {
                other: Some(Health::Unclear),
                ..good()
            }),
            Refusal::Busy
        );
        let wrong_and_banned = Attempt {
            secret: Some(&wrong),
            owner_banned: true,
            ..good()
        };
        assert_eq!(
            refused(wrong_and_banned),
            Refusal::WrongKey,
            "a stranger learns nothing of the owner"
        );
    }
}
