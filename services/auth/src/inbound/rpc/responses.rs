//! Conversions from database rows to protobuf messages.

use identity::{KeySet, Revocation};
use proto::auth::v1::{
    Account, GetProfileResponse, KeySetResponse, ListFollowsResponse, Owner, PublicKey,
    Revocation as RevocationMessage, Role, User, UserCutoff, UserSummary, revocation,
};
use proto::page::info;
use proto::time::timestamp;

use crate::store::{FollowPage, Owner as OwnerRow, Profile, Summary, UserRow};

impl From<UserRow> for User {
    fn from(user: UserRow) -> Self {
        Self {
            id: user.id,
            role: role(user.role).into(),
            created_at: Some(timestamp(user.created_at)),
            updated_at: Some(timestamp(user.updated_at)),
            username: user.username,
            display_name: user.display_name,
            avatar_url: user.avatar_url,
            bio: user.bio,
        }
    }
}

fn role(role: primitives::Role) -> Role {
    match role {
        primitives::Role::User => Role::User,
        primitives::Role::Moderator => Role::Moderator,
        primitives::Role::Admin => Role::Admin,
    }
}

impl From<UserRow> for Account {
    fn from(user: UserRow) -> Self {
        Self {
            banned_at: user.banned_at.map(timestamp),
            ban_reason: user.ban_reason.clone().unwrap_or_default(),
            user: Some(user.into()),
        }
    }
}

impl From<Summary> for UserSummary {
    fn from(user: Summary) -> Self {
        Self {
            id: user.id,
            username: user.username,
            display_name: user.display_name,
            avatar_url: user.avatar_url,
        }
    }
}

impl From<Profile> for GetProfileResponse {
    fn from(profile: Profile) -> Self {
        Self {
            user: Some(profile.user.into()),
            followers_count: profile.followers,
            following_count: profile.following,
            is_following: profile.is_following,
        }
    }
}

impl From<FollowPage> for ListFollowsResponse {
    fn from(page: FollowPage) -> Self {
        Self {
            users: page.users.into_iter().map(Into::into).collect(),
            page: Some(info(page.info)),
        }
    }
}

impl From<OwnerRow> for Owner {
    fn from(owner: OwnerRow) -> Self {
        Self {
            id: owner.id,
            username: owner.username,
            display_name: owner.display_name,
            banned: owner.banned_at.is_some(),
            version: owner.version,
        }
    }
}

pub(super) fn key_set(keys: &KeySet) -> KeySetResponse {
    let key = |key: &identity::PublicKey| PublicKey {
        kid: key.kid().to_owned(),
        key: key.as_bytes().to_vec(),
    };
    KeySetResponse {
        keys: keys.keys().iter().map(key).collect(),
    }
}

pub(super) fn revocation(revocation: Revocation) -> RevocationMessage {
    let until = Some(timestamp(revocation.until()));
    let what = match revocation {
        Revocation::Token { id, .. } => revocation::What::TokenId(id),
        Revocation::Session { id, .. } => revocation::What::SessionId(id),
        Revocation::User { id, valid_from, .. } => revocation::What::User(UserCutoff {
            user_id: id.0,
            tokens_valid_from: Some(timestamp(valid_from)),
        }),
    };
    RevocationMessage {
        what: Some(what),
        until,
    }
}
