use chrono::{DateTime, Utc};
use primitives::{Role, UserId};
use serde::{Deserialize, Serialize};

/// The `iss` of every access token.
pub const ISSUER: &str = "airwave-auth";
/// The `aud` of access tokens.
pub const AUDIENCE: &str = "airwave";
/// By how many seconds the clocks of two machines may differ.
pub const LEEWAY_SECONDS: i64 = 5;
/// Longer tokens are rejected unread; genuine ones have about 500 bytes.
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
    /// Identifies the token.
    pub jti: String,
    /// Identifies the session: all tokens of one sign-in share it, and signing out revokes it.
    pub sid: String,
    /// Issued at.
    pub iat: i64,
    /// Expires at.
    pub exp: i64,
    /// Not valid before. Never set by auth, but honoured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The username when the token was issued.
    pub username: String,
    /// The role when the token was issued.
    pub role: Role,
}

/// The user behind a verified access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// The username when the token was issued.
    pub username: String,
    /// The role when the token was issued.
    pub role: Role,
    /// The `sid` of the token.
    pub session: String,
    /// The `jti` of the token.
    pub token_id: String,
    /// In whole seconds.
    pub issued_at: DateTime<Utc>,
    /// In whole seconds. The token is accepted for another [`LEEWAY_SECONDS`].
    pub expires_at: DateTime<Utc>,
}

impl User {
    /// Returns the user described by the claims, or `None` if a claim is malformed.
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
