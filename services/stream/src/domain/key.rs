//! Stream keys: `<playback name>?key=<secret>`.
//!
//! nginx-rtmp takes what stands before the `?` for the stream's name everywhere (playlists, recordings,
//! statistics), and the secret travels in the hooks' bodies alone. The two have nothing to do with each
//! other: the name is public.
//!
//! A secret is found by its keyed hash, so a dump of the database opens nothing, and kept sealed under
//! another key so that its owner can see it again.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use primitives::StreamId;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Characters of a playback name: 100 bits, so that nobody guesses the link of a stream that is not
/// announced.
const NAME_LENGTH: usize = 20;
/// Lower case and digits that are not mistaken for letters (RFC 4648 base 32).
const NAME_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const SECRET_PREFIX: &str = "live_";
/// 24 random bytes are 32 URL-safe characters.
const SECRET_BYTES: usize = 24;
const SECRET_LENGTH: usize = SECRET_PREFIX.len() + SECRET_BYTES / 3 * 4;
const NONCE_LENGTH: usize = 24;
/// Bytes by which a sealed secret is longer than the secret: nonce and tag.
pub const SEALED_OVERHEAD: usize = NONCE_LENGTH + 16;

/// Text that is no playback name, or no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed stream key")]
pub struct InvalidKey;

/// The public name of a stream on the media nodes; random, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaybackName(String);

impl PlaybackName {
    /// A new random name.
    #[must_use]
    pub fn random() -> Self {
        let bytes: [u8; NAME_LENGTH] = rand::random();
        let letter = |byte: u8| NAME_ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'a');
        Self(bytes.into_iter().map(|byte| char::from(letter(byte))).collect())
    }

    /// Takes text that has the shape of our names, and nothing else.
    ///
    /// # Errors
    /// [`InvalidKey`] for every other text.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let shaped = text.len() == NAME_LENGTH && text.bytes().all(|byte| NAME_ALPHABET.contains(&byte));
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlaybackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret half of a stream key. Does not print itself.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A new random secret.
    #[must_use]
    pub fn random() -> Self {
        let bytes: [u8; SECRET_BYTES] = rand::random();
        Self(SecretString::from(format!(
            "{SECRET_PREFIX}{}",
            URL_SAFE_NO_PAD.encode(bytes)
        )))
    }

    /// Takes text that has the shape of our secrets, and nothing else: no blank before or after it.
    ///
    /// # Errors
    /// [`InvalidKey`] for every other text.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let random = text.strip_prefix(SECRET_PREFIX).ok_or(InvalidKey)?;
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let shaped = text.len() == SECRET_LENGTH && random.bytes().all(url_safe);
        if shaped {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(InvalidKey)
        }
    }
}

/// What a streamer puts into the encoder's key field.
#[derive(Debug, Clone)]
pub struct StreamKey {
    /// The public half.
    pub name: PlaybackName,
    /// The secret half.
    pub secret: Secret,
}

impl StreamKey {
    /// The key as one text, for the eyes of its owner only.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}?key={}", self.name, self.secret.0.expose_secret())
    }
}

/// Hashes, seals and opens secrets. Its three keys are derived from the one in the configuration.
#[derive(Clone)]
pub struct Keyring {
    hash: SecretKey,
    fingerprint: SecretKey,
    seal: SecretKey,
}

type SecretKey = [u8; 32];

impl Keyring {
    /// Derives the keys; the same configuration gives the same keys on every replica.
    #[must_use]
    pub fn new(master: &SecretString) -> Self {
        let derive = |purpose: &str| authenticate(master.expose_secret().as_bytes(), purpose.as_bytes());
        Self {
            hash: derive("stream secret: hash"),
            fingerprint: derive("stream secret: fingerprint"),
            seal: derive("stream secret: seal"),
        }
    }

    /// The hash by which a secret is recognised.
    #[must_use]
    pub fn hash(&self, secret: &Secret) -> [u8; 32] {
        authenticate(&self.hash, secret.0.expose_secret().as_bytes())
    }

    /// Whether a secret is the one that a hash was made of; takes as long whether or not it is.
    #[must_use]
    pub fn matches(&self, secret: &Secret, hash: &[u8]) -> bool {
        mac(&self.hash, secret.0.expose_secret().as_bytes())
            .verify_slice(hash)
            .is_ok()
    }

    /// Names a secret in events and rows without telling anything about it.
    #[must_use]
    pub fn fingerprint(&self, secret: &Secret) -> String {
        let mut text = hex::encode(authenticate(
            &self.fingerprint,
            secret.0.expose_secret().as_bytes(),
        ));
        text.truncate(16);
        text
    }

    /// Seals a secret for one stream; it cannot be opened as another's.
    ///
    /// # Errors
    /// [`InvalidKey`] when the cipher refuses, which it does for texts of many gigabytes only.
    pub fn seal(&self, stream: StreamId, secret: &Secret) -> Result<Vec<u8>, InvalidKey> {
        let nonce: [u8; NONCE_LENGTH] = rand::random();
        let aad = stream.0.to_be_bytes();
        let payload = Payload {
            msg: secret.0.expose_secret().as_bytes(),
            aad: &aad,
        };
        let sealed = self
            .cipher()
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| InvalidKey)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what [`Keyring::seal`] made for the same stream under the same configuration.
    ///
    /// # Errors
    /// [`InvalidKey`] for anything else.
    pub fn open(&self, stream: StreamId, sealed: &[u8]) -> Result<Secret, InvalidKey> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LENGTH).ok_or(InvalidKey)?;
        let aad = stream.0.to_be_bytes();
        let opened = self
            .cipher()
            .decrypt(
                XNonce::from_slice(nonce),
                Payload {
                    msg: sealed,
                    aad: &aad,
                },
            )
            .map_err(|_| InvalidKey)?;
        Secret::parse(std::str::from_utf8(&opened).map_err(|_| InvalidKey)?)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&self.seal))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length, so this never fails.
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap_or_else(|_| Mac::new(&[0; 64].into()));
    mac.update(message);
    mac
}

fn authenticate(key: &[u8], message: &[u8]) -> [u8; 32] {
    mac(key, message).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keyring() -> Keyring {
        Keyring::new(&SecretString::from("a master key of thirty-two bytes!!"))
    }

    #[test]
    fn a_fresh_key_has_the_shape_that_we_accept() {
        let key = StreamKey {
            name: PlaybackName::random(),
            secret: Secret::random(),
        };
        let text = key.reveal();
        let (name, secret) = text.split_once("?key=").unwrap();
        assert_eq!(PlaybackName::parse(name).as_ref(), Ok(&key.name));
        assert!(Secret::parse(secret).is_ok());
        assert_eq!(secret.len(), 5 + 32);
    }

    #[test]
    fn names_of_another_shape_are_refused() {
        let long = "a".repeat(255);
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "abc",
            "ABCDEFGHIJKLMNOPQRST",
            "abcdefghijklmnopqrs1",
            "abcdefghijklmnopqrs\0",
            &long,
        ] {
            assert_eq!(PlaybackName::parse(bad), Err(InvalidKey), "{bad:?}");
        }
    }

    #[test]
    fn secrets_of_another_shape_are_refused() {
        let good = format!("live_{}", "a".repeat(32));
        assert!(Secret::parse(&good).is_ok());
        for bad in [
            "",
            "live_",
            &good[5..],
            &format!("{good} "),
            &format!(" {good}"),
            &format!("{good}a"),
            &good.replace("aa", "é"),
        ] {
            assert!(Secret::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_matches_its_own_hash_only() {
        let (keyring, one, two) = (keyring(), Secret::random(), Secret::random());
        assert!(keyring.matches(&one, &keyring.hash(&one)));
        assert!(!keyring.matches(&two, &keyring.hash(&one)));
        assert!(!keyring.matches(&one, &[]));
        let other = Keyring::new(&SecretString::from("another master key of 32 bytes!!!!"));
        assert!(!other.matches(&one, &keyring.hash(&one)));
        assert_ne!(keyring.fingerprint(&one), keyring.fingerprint(&two));
    }

    #[test]
    fn a_sealed_secret_opens_for_its_stream_only() {
        let (keyring, secret) = (keyring(), Secret::random());
        let sealed = keyring.seal(StreamId(7), &secret).unwrap();
        let opened = keyring.open(StreamId(7), &sealed).unwrap();
        assert_eq!(opened.0.expose_secret(), secret.0.expose_secret());
        assert_eq!(sealed.len(), SECRET_LENGTH + SEALED_OVERHEAD);
        assert!(keyring.open(StreamId(8), &sealed).is_err());
        assert_ne!(
            keyring.seal(StreamId(7), &secret).unwrap(),
            sealed,
            "each seal has its own nonce"
        );
    }

    #[test]
    fn nothing_prints_a_secret() {
        let key = StreamKey {
            name: PlaybackName::random(),
            secret: Secret::random(),
        };
        let secret = key.secret.0.expose_secret().to_owned();
        assert!(!format!("{key:?}").contains(&secret));
    }

    proptest! {
        #[test]
        fn spoilt_seals_do_not_open(at in 0_usize..(SECRET_LENGTH + SEALED_OVERHEAD), bit in 0_u8..8) {
            let keyring = keyring();
            let mut sealed = keyring.seal(StreamId(7), &Secret::random()).unwrap();
            sealed[at] ^= 1 << bit;
            prop_assert!(keyring.open(StreamId(7), &sealed).is_err());
        }
    }
}
