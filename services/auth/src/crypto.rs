//! Password hashes, signing keys and refresh tokens: cryptography and randomness, without I/O.

pub(crate) mod passwords;
pub(crate) mod refresh_token;
pub(crate) mod signing_keys;

pub(crate) use passwords::Passwords;
pub(crate) use refresh_token::{RefreshToken, RefreshTokenHash};
pub(crate) use signing_keys::SigningKeys;
