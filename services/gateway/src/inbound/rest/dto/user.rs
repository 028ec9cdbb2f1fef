use chrono::{DateTime, Utc};
use primitives::Error;
use proto::auth::v1 as auth;
use proto::time::datetime;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Me, Totals};
use crate::inbound::field::{DisplayName, Password, Username};
use crate::outbound::peers::present;
use crate::outbound::people::Person;

/// The path of a profile.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ByUsername {
    pub username: String,
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// 3 to 25 of the characters A-Z a-z 0-9 _; some names are reserved.
    #[schema(inline)]
    pub username: Username,
    /// 8 to 1024 bytes.
    #[schema(inline)]
    pub password: Password,
    /// Up to 50 characters; the username by default.
    #[schema(inline)]
    pub display_name: Option<DisplayName>,
}

/// A username and password.
#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    pub username: String,
    // A password outside the bounds is wrong rather than invalid.
    #[schema(min_length = 8, max_length = 1024)]
    pub password: String,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refresh {
    pub refresh_token: String,
}

/// A public profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    #[serde(flatten)]
    pub user: Me,
    pub followers_count: u64,
    pub following_count: u64,
    /// Whether the caller follows the user; absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_following: Option<bool>,
}

impl TryFrom<auth::GetProfileResponse> for Profile {
    type Error = Error;

    fn try_from(profile: auth::GetProfileResponse) -> Result<Self, Error> {
        Ok(Self {
            user: present(profile.user, "user")?.into(),
            followers_count: profile.followers_count,
            following_count: profile.following_count,
            is_following: profile.is_following,
        })
    }
}

/// A new or renewed session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub message: &'static str,
    pub user: Me,
    /// The access token, for `Authorization: Bearer`.
    pub token: String,
    /// For one call of `/users/refresh`.
    pub refresh_token: String,
    /// When `token` expires.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Session {
    pub fn new(message: &'static str, session: auth::SessionResponse) -> Result<Self, Error> {
        Ok(Self {
            message,
            expires_at: datetime(session.expires_at.as_ref()),
            user: present(session.user, "user")?.into(),
            token: session.access_token,
            refresh_token: session.refresh_token,
        })
    }
}

/// The followers of a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct Followers {
    pub followers: Vec<Person>,
    #[serde(flatten)]
    pub totals: Totals,
}

/// The users that a user follows.
#[derive(Debug, Serialize, ToSchema)]
pub struct Following {
    pub following: Vec<Person>,
    #[serde(flatten)]
    pub totals: Totals,
}

/// A follow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Follow {
    pub follower_id: i64,
    pub following_id: i64,
    pub created_at: Option<DateTime<Utc>>,
}

/// A new follow.
#[derive(Debug, Serialize, ToSchema)]
pub struct Followed {
    pub success: bool,
    pub message: &'static str,
    pub data: Follow,
}
