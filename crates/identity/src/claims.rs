//! What an access token says.

use chrono::{DateTime, Utc};
use primitives::{Role, UserId};
use serde::{Deserialize, Serialize};

/// `iss` of every token that we make.
pub const ISSUER: &str = "airwave-auth";
/// `aud` of access tokens.
pub const AUDIENCE: &str = "airwave";
/// Seconds by which the clocks of two machines may differ.
pub const LEEWAY_SECONDS: i64 = 5;
/// A longer token is refused before it is looked at; ours have about 500 bytes.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// The claims of an access token; all are required. Times are whole seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Always [`ISSUER`].
    pub iss: String,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// The user's id in decimal.
    pub sub: String,
    /// The token's id.
    pub jti: String,
    /// The session's id: all tokens that follow from one sign-in share it, and a logout revokes it.
    pub sid: String,
    /// Issued at.
    pub iat: i64,
    /// Expires at.
    pub exp: i64,
    /// Not valid before; we do not set it, but honour it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The user's name at the time.
    pub username: String,
    /// What the user may do, at the time.
    pub role: Role,
}

/// The user behind a verified access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub id: UserId,
    /// Its name when the token was made.
    pub username: String,
    /// What it may do, as of when the token was made.
    pub role: Role,
    /// The session that the token belongs to.
    pub session: String,
    /// The token's own id.
    pub token_id: String,
    /// When the token was made, to the second.
    pub issued_at: DateTime<Utc>,
    /// When it expires, to the second; it is still accepted for [`LEEWAY_SECONDS`] more.
    pub expires_at: DateTime<Utc>,
}

impl User {
    /// The user that claims name, or nothing when a claim has no meaning.
    pub(crate) fn from_claims(claims: &Claims) -> Option<Self> {
        Some(Self {
            id: claims.sub.parse().ok()?,
            issued_at: DateTime::from_timestamp(claims.iat, 0)?,
            expires_at: DateTime::from_timestamp(claims.exp, 0)?,
            username: claims.username.clone(),
            role: claims.role,
            session: non_empty(&claims.sid)?,
            token_id: non_empty(&claims.jti)?,
        })
    }
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
