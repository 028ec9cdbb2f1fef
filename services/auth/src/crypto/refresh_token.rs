use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A new refresh token: the text for its owner and the hash for the database.
pub(crate) struct RefreshToken {
    pub(crate) text: String,
    pub(crate) hash: RefreshTokenHash,
}

/// The SHA-256 of a refresh token. 256 random bits need neither a salt nor a slow hash.
#[derive(Debug, Clone)]
pub struct RefreshTokenHash(pub(crate) Vec<u8>);

impl RefreshToken {
    /// Generates a token of 256 random bits.
    pub(crate) fn generate() -> Self {
        let text = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let hash = RefreshTokenHash::of(&text);
        Self { text, hash }
    }
}

impl RefreshTokenHash {
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text).to_vec())
    }
}
