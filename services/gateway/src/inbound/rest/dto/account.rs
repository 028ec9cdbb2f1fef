use chrono::{DateTime, Utc};
use primitives::Error;
use proto::auth::v1 as auth;
use proto::time::datetime;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Totals;
use crate::inbound::field::{Bio, DisplayName, Flag, Password, Reason, RoleName, UsernamePrefix};
use crate::outbound::peers::present;

/// An update of the caller's profile; absent fields stay the same.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileFields {
    /// Up to 50 characters.
    #[schema(inline)]
    pub display_name: Option<DisplayName>,
    /// Up to 500 characters.
    #[schema(inline)]
    pub bio: Option<Bio>,
    /// Removes the avatar.
    #[serde(default)]
    #[schema(inline)]
    pub remove_avatar: Flag,
}

/// The current password and a new one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewPassword {
    pub current_password: String,
    /// 8 to 1024 bytes.
    #[schema(inline)]
    pub new_password: Password,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// The beginning of the username
    #[param(inline)]
    pub query: Option<UsernamePrefix>,
    /// user, moderator or admin
    #[param(inline)]
    pub role: Option<RoleName>,
    #[param(inline)]
    pub banned: Option<Flag>,
}

/// A role to assign.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewRole {
    /// `user`, `moderator` or `admin`.
    #[schema(inline)]
    pub role: RoleName,
}

/// The reason for a ban.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewBan {
    /// Up to 500 characters.
    #[serde(default)]
    #[schema(inline)]
    pub reason: Reason,
}

/// A user's own account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    pub id: i64,
    pub username: String,
    pub display_name: String,
    pub avatar_url: Option<String>,
    pub bio: String,
    /// `user`, `moderator` or `admin`.
    pub role: &'static str,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

impl From<auth::User> for Me {
    fn from(user: auth::User) -> Self {
        let role = match user.role() {
            auth::Role::Admin => "admin",
            auth::Role::Moderator => "moderator",
            auth::Role::User | auth::Role::Unspecified => "user",
        };
        Self {
            role,
            created_at: datetime(user.created_at.as_ref()),
            updated_at: datetime(user.updated_at.as_ref()),
            id: user.id,
            username: user.username,
            display_name: user.display_name,
            avatar_url: user.avatar_url,
            bio: user.bio,
        }
    }
}

/// An account as admins see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    #[serde(flatten)]
    pub user: Me,
    /// Null if the account is not banned.
    pub banned_at: Option<DateTime<Utc>>,
    pub ban_reason: String,
}

impl TryFrom<auth::Account> for Account {
    type Error = Error;

    fn try_from(account: auth::Account) -> Result<Self, Error> {
        Ok(Self {
            user: present(account.user, "user")?.into(),
            banned_at: datetime(account.banned_at.as_ref()),
            ban_reason: account.ban_reason,
        })
    }
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountList {
    pub users: Vec<Account>,
    #[serde(flatten)]
    pub totals: Totals,
}
