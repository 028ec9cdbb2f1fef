//! Secrets for a development machine and for tests.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;

/// Generates a random secret of 43 URL-safe characters (256 bits).
#[must_use]
pub fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Generates a random key of 32 bytes in padded base64.
#[must_use]
pub fn random_key() -> String {
    STANDARD.encode(rand::random::<[u8; 32]>())
}

/// Generates an Ed25519 signing key in PKCS#8 PEM.
pub fn signing_key() -> Result<String> {
    let key = SigningKey::from_bytes(&rand::random::<[u8; 32]>());
    Ok(key.to_pkcs8_pem(LineEnding::LF)?.to_string())
}

/// Generates a unique part of a name: 20 lower-case hexadecimal digits.
#[must_use]
pub fn unique() -> String {
    let [a, b, c, d, e, f, g, h, i, j] = rand::random::<[u8; 10]>();
    [a, b, c, d, e, f, g, h, i, j]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
