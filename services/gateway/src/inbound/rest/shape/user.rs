use chrono::{DateTime, Utc};
use primitives::Error;
use proto::auth::v1::{Account, GetProfileResponse, Role, SessionResponse, User, UserSummary};
use proto::time::datetime;
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::rest::shape::TotalsShape;
use crate::outbound::peers::present;

/// Someone, in a list or beside what is theirs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub(in crate::inbound::rest) struct PersonShape {
    id: i64,
    username: String,
    display_name: String,
    avatar_url: Option<String>,
}

impl From<&UserSummary> for PersonShape {
    fn from(user: &UserSummary) -> Self {
        Self {
            id: user.id,
            username: user.username.clone(),
            display_name: user.display_name.clone(),
            avatar_url: user.avatar_url.clone(),
        }
    }
}

impl PersonShape {
    /// The owner of a row: as auth knows them, else as the row's own copy does.
    pub(super) fn owner(
        found: Option<&UserSummary>,
        id: i64,
        username: String,
        display_name: String,
    ) -> Self {
        found.map_or_else(
            || Self {
                id,
                username,
                display_name,
                avatar_url: None,
            },
            Self::from,
        )
    }
}

/// Someone's own account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Me)]
pub(in crate::inbound::rest) struct MeShape {
    id: i64,
    username: String,
    display_name: String,
    avatar_url: Option<String>,
    bio: String,
    /// `user`, `moderator` or `admin`.
    role: &'static str,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<User> for MeShape {
    fn from(user: User) -> Self {
        let role = match user.role() {
            Role::Admin => "admin",
            Role::Moderator => "moderator",
            Role::User | Role::Unspecified => "user",
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

/// Someone's public profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Profile)]
pub(in crate::inbound::rest) struct ProfileShape {
    #[serde(flatten)]
    user: MeShape,
    followers_count: u64,
    following_count: u64,
    /// Whether the caller follows them; absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_following: Option<bool>,
}

impl TryFrom<GetProfileResponse> for ProfileShape {
    type Error = Error;

    fn try_from(profile: GetProfileResponse) -> Result<Self, Error> {
        Ok(Self {
            user: present(profile.user, "user")?.into(),
            followers_count: profile.followers_count,
            following_count: profile.following_count,
            is_following: profile.is_following,
        })
    }
}

/// An account as admins see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account)]
pub(in crate::inbound::rest) struct AccountShape {
    #[serde(flatten)]
    user: MeShape,
    /// Null when it is not banned.
    banned_at: Option<DateTime<Utc>>,
    ban_reason: String,
}

impl TryFrom<Account> for AccountShape {
    type Error = Error;

    fn try_from(account: Account) -> Result<Self, Error> {
        Ok(Self {
            user: present(account.user, "user")?.into(),
            banned_at: datetime(account.banned_at.as_ref()),
            ban_reason: account.ban_reason,
        })
    }
}

/// Accounts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountList)]
pub(in crate::inbound::rest) struct AccountListShape {
    pub(in crate::inbound::rest) users: Vec<AccountShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}

/// A session that has just begun or was renewed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(in crate::inbound::rest) struct SessionShape {
    message: &'static str,
    user: MeShape,
    /// For `Authorization: Bearer`.
    token: String,
    /// For `/users/refresh`, once.
    refresh_token: String,
    /// When `token` expires.
    expires_at: Option<DateTime<Utc>>,
}

impl SessionShape {
    pub(in crate::inbound::rest) fn new(
        message: &'static str,
        session: SessionResponse,
    ) -> Result<Self, Error> {
        Ok(Self {
            message,
            expires_at: datetime(session.expires_at.as_ref()),
            user: present(session.user, "user")?.into(),
            token: session.access_token,
            refresh_token: session.refresh_token,
        })
    }
}

/// Who follows someone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Followers)]
pub(in crate::inbound::rest) struct FollowersShape {
    pub(in crate::inbound::rest) followers: Vec<PersonShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}

/// Whom someone follows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Following)]
pub(in crate::inbound::rest) struct FollowingShape {
    pub(in crate::inbound::rest) following: Vec<PersonShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}

/// It is done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Done)]
pub(in crate::inbound::rest) struct DoneShape {
    success: bool,
    message: &'static str,
}

impl DoneShape {
    pub(in crate::inbound::rest) fn new(message: &'static str) -> Self {
        Self {
            success: true,
            message,
        }
    }
}

/// A follow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Follow)]
pub(in crate::inbound::rest) struct FollowShape {
    pub(in crate::inbound::rest) follower_id: i64,
    pub(in crate::inbound::rest) following_id: i64,
    pub(in crate::inbound::rest) created_at: Option<DateTime<Utc>>,
}

/// A follow that has just begun.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Followed)]
pub(in crate::inbound::rest) struct FollowedShape {
    pub(in crate::inbound::rest) success: bool,
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) data: FollowShape,
}
