//! What users do to their own account.

use bus::emit;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::User;
use objects::{StoredImage, UrlColumns};
use primitives::UserId;
use proto::events::v1::event::Payload;
use proto::events::v1::{UserDeleted, UserUpdated};
use uuid::Uuid;

use super::accounts::Summary;
use super::revocations::revoke_access_tokens;
use super::sessions::{SessionGrant, delete_sessions, refresh_insert};
use super::{Store, UserRow, lock_user};
use crate::crypto::RefreshTokenHash;
use crate::error::{Error, Result};
use crate::schema::users;

/// The columns that contain avatar URLs.
pub const AVATARS: UrlColumns = UrlColumns {
    table: "users",
    url: "avatar_url",
    expires_at: "avatar_url_expires_at",
};

/// A validated change of a profile; absent fields keep their value.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    pub display_name: Option<String>,
    pub bio: Option<String>,
    /// The new avatar, already in the bucket; `Some(None)` removes the avatar.
    pub avatar: Option<Option<StoredImage>>,
}

/// A new password, set by the user.
pub struct PasswordChange {
    /// The hash that the current password was verified against. If the stored one differs, another request
    /// changed it in the meantime.
    pub current: String,
    /// The hash of the new password, a PHC string.
    pub new: String,
    /// The next refresh token of the session, which continues.
    pub refresh: RefreshTokenHash,
}

objects::image_columns!(
    UserRow,
    b2_avatar_file_name,
    avatar_url,
    avatar_url_expires_at,
    b2_avatar_file_id
);
objects::image_columns!(Summary, b2_avatar_file_name, avatar_url, avatar_url_expires_at);

impl Store {
    /// Changes a profile. Emits `user.updated`.
    pub async fn profile_update(
        &self,
        id: UserId,
        change: ProfileChange,
        now: DateTime<Utc>,
    ) -> Result<UserRow> {
        self.database
            .transaction(async move |conn| {
                let before = lock_user(conn, id.0).await?;
                let changes = (
                    users::version.eq(users::version + 1),
                    change.display_name.map(|name| users::display_name.eq(name)),
                    change.bio.map(|bio| users::bio.eq(bio)),
                );
                let row = diesel::update(users::table.find(id.0)).set(changes);
                let mut user: UserRow = row.returning(UserRow::as_returning()).get_result(conn).await?;
                if let Some(avatar) = change.avatar {
                    user = avatar_write(conn, &before, avatar, now).await?;
                }
                let event = UserUpdated {
                    user_id: user.id,
                    username: user.username.clone(),
                    display_name: user.display_name.clone(),
                };
                emit(conn, Payload::UserUpdated(event), user.id, user.version).await?;
                Ok(user)
            })
            .await
    }

    /// Changes a password. Revokes all access tokens and ends all other sessions; this one continues with new
    /// tokens.
    ///
    /// # Errors
    /// [`Error::WrongPassword`] if another request has changed the password.
    pub async fn password_change(
        &self,
        token: &User,
        change: PasswordChange,
        now: DateTime<Utc>,
    ) -> Result<SessionGrant> {
        let (id, lifetimes) = (token.id, self.lifetimes);
        let session = Uuid::try_parse(&token.session).map_err(|_| Error::UserNotFound)?;
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, id.0).await?;
                if user.password != change.current {
                    return Err(Error::WrongPassword);
                }
                let row = diesel::update(users::table.find(id.0));
                row.set(users::password.eq(change.new)).execute(conn).await?;
                delete_sessions(conn, &user, lifetimes, now).await?;
                // Read again: the new tokens are dated to the new cutoff.
                let user = lock_user(conn, id.0).await?;
                refresh_insert(conn, user, session, change.refresh, lifetimes, now).await
            })
            .await
    }

    /// Deletes an account with its sessions, follows and avatar; its username becomes available again. Emits
    /// `user.deleted`, on which the other services remove or anonymise their data of the user.
    pub async fn user_delete(&self, id: UserId, now: DateTime<Utc>) -> Result<()> {
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, id.0).await?;
                revoke_access_tokens(conn, &user, lifetimes, now).await?;
                objects::ledger::schedule_deletion(conn, user.picture().as_slice(), now).await?;
                diesel::delete(users::table.find(user.id)).execute(conn).await?;
                let event = UserDeleted { user_id: user.id };
                emit(conn, Payload::UserDeleted(event), user.id, user.version + 1).await?;
                Ok(())
            })
            .await
    }
}

async fn avatar_write(
    conn: &mut AsyncPgConnection,
    before: &UserRow,
    avatar: Option<StoredImage>,
    now: DateTime<Utc>,
) -> Result<UserRow> {
    let columns = (
        users::avatar_url.eq(avatar.as_ref().map(|avatar| &avatar.url)),
        users::avatar_url_expires_at.eq(avatar.as_ref().map(|avatar| avatar.url_expires_at)),
        users::b2_avatar_file_id.eq(avatar.as_ref().and_then(|avatar| avatar.version_id.as_ref())),
        users::b2_avatar_file_name.eq(avatar.as_ref().map(|avatar| &avatar.key)),
    );
    let row = diesel::update(users::table.find(before.id)).set(columns);
    let user = row.returning(UserRow::as_returning()).get_result(conn).await?;
    objects::replace(conn, avatar.as_ref(), before.picture(), now).await?;
    Ok(user)
}
