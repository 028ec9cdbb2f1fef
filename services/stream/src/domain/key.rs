//! Stream keys: `<playback name>?key=<stream secret>`.
//!
//! nginx-rtmp uses the part before the `?` as the stream's name everywhere (playlists, recordings,
//! statistics). The secret travels only in the bodies of hooks. The playback name is public, so the two are
//! generated independently.
//!
//! The database stores a keyed hash to verify a secret, and the secret itself encrypted so that its owner can
//! see it again. A dump of the database reveals neither.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use primitives::StreamId;
use primitives::recording::{PLAYBACK_NAME_ALPHABET, PLAYBACK_NAME_LENGTH, is_playback_name};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

const SECRET_PREFIX: &str = "live_";
/// 24 random bytes are 32 URL-safe characters.
const SECRET_BYTES: usize = 24;
const SECRET_LENGTH: usize = SECRET_PREFIX.len() + SECRET_BYTES / 3 * 4;
const NONCE_LENGTH: usize = 24;
/// Bytes that sealing adds to a secret: nonce and tag.
pub const SEALED_OVERHEAD: usize = NONCE_LENGTH + 16;

/// Text that is not a playback name, or not a stream secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed stream key")]
pub struct InvalidKey;

/// The public, random, permanent name of a stream on the media nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaybackName(String);

impl PlaybackName {
    /// Generates a name.
    #[must_use]
    pub fn random() -> Self {
        let bytes: [u8; PLAYBACK_NAME_LENGTH] = rand::random();
        let letter = |byte: u8| {
            PLAYBACK_NAME_ALPHABET
                .get(usize::from(byte & 31))
                .copied()
                .unwrap_or(b'a')
        };
        Self(bytes.into_iter().map(|byte| char::from(letter(byte))).collect())
    }

    /// Accepts 20 characters of the base 32 alphabet and nothing else.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        if is_playback_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey)
        }
    }

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

/// The secret half of a stream key. Its `Debug` output is redacted.
#[derive(Debug, Clone)]
pub struct StreamSecret(SecretString);

impl StreamSecret {
    /// Generates a secret.
    #[must_use]
    pub fn random() -> Self {
        let bytes: [u8; SECRET_BYTES] = rand::random();
        Self(SecretString::from(format!(
            "{SECRET_PREFIX}{}",
            URL_SAFE_NO_PAD.encode(bytes)
        )))
    }

    /// Accepts `live_` with 32 URL-safe characters and nothing else, not even surrounding blanks.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let random = text.strip_prefix(SECRET_PREFIX).ok_or(InvalidKey)?;
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let valid = text.len() == SECRET_LENGTH && random.bytes().all(url_safe);
        if valid {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(InvalidKey)
        }
    }
}

/// What a streamer enters in the encoder's key field.
#[derive(Debug, Clone)]
pub struct StreamKey {
    pub name: PlaybackName,
    pub secret: StreamSecret,
}

impl StreamKey {
    /// Returns the whole key in plain text. Show it to the owner of the stream only.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}?key={}", self.name, self.secret.0.expose_secret())
    }
}

/// Hashes, encrypts and decrypts secrets with three keys derived from `AIRWAVE_STREAM_KEY_SECRET`.
#[derive(Clone)]
pub struct Keyring {
    hash: SecretKey,
    fingerprint: SecretKey,
    seal: SecretKey,
}

type SecretKey = [u8; 32];

impl Keyring {
    /// Derives the keys. Every replica with the same `master` derives the same keys.
    #[must_use]
    pub fn new(master: &SecretString) -> Self {
        let derive = |purpose: &str| authenticate(master.expose_secret().as_bytes(), purpose.as_bytes());
        Self {
            hash: derive("stream secret: hash"),
            fingerprint: derive("stream secret: fingerprint"),
            seal: derive("stream secret: seal"),
        }
    }

    /// Returns the hash that verifies a secret later.
    #[must_use]
    pub fn hash(&self, secret: &StreamSecret) -> [u8; 32] {
        authenticate(&self.hash, secret.0.expose_secret().as_bytes())
    }

    /// Returns whether `hash` is the hash of `secret`, in constant time.
    #[must_use]
    pub fn matches(&self, secret: &StreamSecret, hash: &[u8]) -> bool {
        mac(&self.hash, secret.0.expose_secret().as_bytes())
            .verify_slice(hash)
            .is_ok()
    }

    /// Returns 16 hex digits that identify a secret in events and rows without revealing it.
    #[must_use]
    pub fn fingerprint(&self, secret: &StreamSecret) -> String {
        let mut text = hex::encode(authenticate(
            &self.fingerprint,
            secret.0.expose_secret().as_bytes(),
        ));
        text.truncate(16);
        text
    }

    /// Encrypts a secret and binds it to one stream. Fails only for texts of many gigabytes.
    pub fn seal(&self, stream: StreamId, secret: &StreamSecret) -> Result<Vec<u8>, InvalidKey> {
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

    /// Decrypts what [`seal`](Self::seal) returned for the same stream and the same `master`.
    pub fn open(&self, stream: StreamId, sealed: &[u8]) -> Result<StreamSecret, InvalidKey> {
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
        StreamSecret::parse(std::str::from_utf8(&opened).map_err(|_| InvalidKey)?)
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
    // HMAC accepts keys of any length, so the fallback is never used.
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap_or_else(|_| Mac::new(&[0; 64].into()));
    mac.update(message);
    mac
}

fn authenticate(key: &[u8], message: &[u8]) -> [u8; 32] {
    mac(key, message).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
