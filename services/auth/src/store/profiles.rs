//! What people do to their own account.

use bus::emit;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::User;
use objects::{Columns, Doomed, Picture, Shown};
use primitives::UserId;
use proto::events::v1::event::Payload;
use proto::events::v1::{UserDeleted, UserUpdated};
use uuid::Uuid;

use super::accounts::Summary;
use super::revocations::user_cut_off;
use super::sessions::{Granted, NewRefreshToken, refresh_insert};
use super::{Store, UserRow, lock_user};
use crate::error::{Error, Result};
use crate::schema::{refresh_tokens, users};

/// Where the table keeps the URLs of avatars.
pub const AVATARS: Columns = Columns {
    table: "users",
    url: "avatar_url",
    expires_at: "avatar_url_expires_at",
};

/// What changes of a profile, checked; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// The name that is shown.
    pub display_name: Option<String>,
    /// About the person.
    pub bio: Option<String>,
    /// The picture, in the bucket already; `Some(None)` takes it away.
    pub avatar: Option<Option<Picture>>,
}

/// Another password for a session that goes on.
pub struct OwnPassword {
    /// The hash that the old password was found right for; another one means that somebody was faster.
    pub before: String,
    /// The PHC string of the new password's hash.
    pub after: String,
    /// The session's next refresh token.
    pub refresh: NewRefreshToken,
}

impl UserRow {
    /// Its picture, for renewal.
    pub fn shown(&mut self) -> Shown<'_> {
        Shown {
            id: self.id,
            key: self.b2_avatar_file_name.as_deref(),
            url: &mut self.avatar_url,
            expires_at: &mut self.avatar_url_expires_at,
        }
    }

    /// The object of its picture.
    fn avatar(&self) -> Option<Doomed> {
        let key = self.b2_avatar_file_name.clone()?;
        let version_id = self.b2_avatar_file_id.clone();
        Some(Doomed { key, version_id })
    }
}

impl Summary {
    /// Its picture, for renewal.
    pub fn shown(&mut self) -> Shown<'_> {
        Shown {
            id: self.id,
            key: self.b2_avatar_file_name.as_deref(),
            url: &mut self.avatar_url,
            expires_at: &mut self.avatar_url_expires_at,
        }
    }
}

impl Store {
    /// Changes a profile and tells the others.
    pub async fn profile_update(
        &self,
        id: UserId,
        change: ProfileChange,
        now: DateTime<Utc>,
    ) -> Result<UserRow> {
        self.database
            .transaction(async move |conn| {
                let before = lock_user(conn, id.0).await?;
                let texts = (
                    users::version.eq(users::version + 1),
                    change.display_name.map(|name| users::display_name.eq(name)),
                    change.bio.map(|bio| users::bio.eq(bio)),
                );
                let row = diesel::update(users::table.find(id.0)).set(texts);
                let mut user: UserRow = row.returning(UserRow::as_returning()).get_result(conn).await?;
                if let Some(avatar) = change.avatar {
                    user = avatar_write(conn, &before, avatar, now).await?;
                }
                let told = UserUpdated {
                    user_id: user.id,
                    username: user.username.clone(),
                    display_name: user.display_name.clone(),
                };
                emit(conn, Payload::UserUpdated(told), user.id, user.version).await?;
                Ok(user)
            })
            .await
    }

    /// Replaces a password. All other sessions end; this one goes on with new tokens, and every access token
    /// made until now is refused.
    pub async fn password_change(
        &self,
        token: &User,
        change: OwnPassword,
        now: DateTime<Utc>,
    ) -> Result<Granted> {
        let (id, lifetimes) = (token.id, self.lifetimes);
        let session = Uuid::try_parse(&token.session).map_err(|_| Error::UserNotFound)?;
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, id.0).await?;
                if user.password != change.before {
                    return Err(Error::WrongPassword);
                }
                let row = diesel::update(users::table.find(id.0));
                row.set(users::password.eq(change.after)).execute(conn).await?;
                let sessions = refresh_tokens::table.filter(refresh_tokens::user_id.eq(id.0));
                diesel::delete(sessions).execute(conn).await?;
                user_cut_off(conn, &user, lifetimes, now).await?;
                let user = lock_user(conn, id.0).await?;
                refresh_insert(conn, user, session, change.refresh, lifetimes, now).await
            })
            .await
    }

    /// Removes an account with its sessions, follows and picture, and tells the others, who remove or
    /// anonymise what they have of it. Its name is free again.
    pub async fn user_delete(&self, id: UserId, now: DateTime<Utc>) -> Result<()> {
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, id.0).await?;
                user_cut_off(conn, &user, lifetimes, now).await?;
                objects::ledger::doom(conn, user.avatar().as_slice(), now).await?;
                diesel::delete(users::table.find(user.id)).execute(conn).await?;
                let told = UserDeleted { user_id: user.id };
                emit(conn, Payload::UserDeleted(told), user.id, user.version + 1).await?;
                Ok(())
            })
            .await
    }
}

async fn avatar_write(
    conn: &mut AsyncPgConnection,
    before: &UserRow,
    avatar: Option<Picture>,
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
    objects::replace(conn, avatar.as_ref(), before.avatar(), now).await?;
    Ok(user)
}
