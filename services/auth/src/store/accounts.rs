//! Registration, look-ups, the snapshot for other services, and the changes of `auth admin`.

use bus::emit;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::{Role, UserId, text};
use proto::events::v1::UserRegistered;
use proto::events::v1::event::Payload;

use super::revocations::revoke_access_tokens;
use super::sessions::{SessionGrant, delete_sessions, session_insert};
use super::{Direction, Store, UserRow, lock_user};
use crate::crypto::RefreshTokenHash;
use crate::error::{Error, Result};
use crate::schema::users;

/// A validated registration.
pub struct NewUser {
    pub username: String,
    /// The password hash, a PHC string.
    pub password: String,
    pub display_name: String,
}

/// The public name and avatar of an account.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Summary {
    pub id: i64,
    pub username: String,
    pub display_name: String,
    pub avatar_url: Option<String>,
    pub avatar_url_expires_at: Option<DateTime<Utc>>,
    pub b2_avatar_file_name: Option<String>,
}

/// What other services store about an account.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Owner {
    pub id: i64,
    pub username: String,
    pub display_name: String,
    pub banned_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// A public profile.
pub struct Profile {
    pub user: UserRow,
    pub followers: u64,
    pub following: u64,
    /// Whether the viewer follows the user; `None` for guests.
    pub is_following: Option<bool>,
}

/// An administrator's new password for a user.
pub struct PasswordReset {
    pub username: String,
    /// The hash of the new password, a PHC string.
    pub password: String,
}

impl Store {
    /// Creates an account and its first session. Emits `user.registered`.
    ///
    /// # Errors
    /// [`Error::UsernameTaken`].
    pub async fn user_register(
        &self,
        new: NewUser,
        refresh: RefreshTokenHash,
        now: DateTime<Utc>,
    ) -> Result<SessionGrant> {
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                let user: UserRow = diesel::insert_into(users::table)
                    .values((
                        users::username.eq(&new.username),
                        users::password.eq(&new.password),
                        users::display_name.eq(&new.display_name),
                    ))
                    .returning(UserRow::as_returning())
                    .get_result(conn)
                    .await
                    .map_err(username_taken)?;
                let event = UserRegistered {
                    user_id: user.id,
                    username: user.username.clone(),
                    display_name: user.display_name.clone(),
                };
                emit(conn, Payload::UserRegistered(event), user.id, user.version).await?;
                session_insert(conn, user, refresh, lifetimes, now).await
            })
            .await
    }

    /// Returns the user with a username, ignoring case.
    ///
    /// An invalid username is looked up as the empty one, which no user has: the query takes as long, and
    /// PostgreSQL does not accept every text (no NUL).
    pub async fn user_by_name(&self, name: &str) -> Result<Option<UserRow>> {
        let key = text::username(name).unwrap_or_default().to_ascii_lowercase();
        self.database
            .read(async |conn| {
                let user = users::table
                    .filter(users::username_key.eq(&key))
                    .select(UserRow::as_select());
                Ok(user.first(conn).await.optional()?)
            })
            .await
    }

    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user_get(&self, id: UserId) -> Result<UserRow> {
        self.database
            .read(async |conn| {
                let user = users::table
                    .find(id.0)
                    .select(UserRow::as_select())
                    .first(conn)
                    .await
                    .optional()?;
                user.ok_or(Error::UserNotFound)
            })
            .await
    }

    /// Returns the public profile of a username, as `viewer` sees it.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user_profile(&self, name: &str, viewer: Option<UserId>) -> Result<Profile> {
        let user = self.user_by_name(name).await?.ok_or(Error::UserNotFound)?;
        let followers = self.follow_count(user.id(), Direction::Followers).await?;
        let following = self.follow_count(user.id(), Direction::Following).await?;
        let is_following = match viewer {
            Some(viewer) => Some(self.follow_exists(viewer, user.id()).await?),
            None => None,
        };
        Ok(Profile {
            user,
            followers,
            following,
            is_following,
        })
    }

    /// Returns names and avatars in the order of the ids. Unknown ids are missing.
    pub async fn user_summaries(&self, ids: &[i64]) -> Result<Vec<Summary>> {
        self.database
            .read(async |conn| {
                let users = users::table
                    .filter(users::id.eq_any(ids))
                    .order(users::id)
                    .select(Summary::as_select());
                Ok(users.load(conn).await?)
            })
            .await
    }

    /// Returns accounts with ids above `after`, in ascending order.
    pub async fn user_snapshot(&self, after: i64, limit: u32) -> Result<Vec<Owner>> {
        self.database
            .read(async |conn| {
                let owners = users::table
                    .filter(users::id.gt(after))
                    .order(users::id)
                    .limit(limit.into());
                Ok(owners.select(Owner::as_select()).load(conn).await?)
            })
            .await
    }

    /// Gives a user a role. A demotion revokes the user's access tokens, which contain the old role; a
    /// promotion leaves them valid until they expire.
    pub async fn user_grant(&self, name: &str, role: Role, now: DateTime<Utc>) -> Result<()> {
        let found = self.user_by_name(name).await?.ok_or(Error::UserNotFound)?;
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, found.id).await?;
                let row = users::table.find(user.id);
                diesel::update(row)
                    .set(users::role.eq(role.as_str()))
                    .execute(conn)
                    .await?;
                if role < user.role {
                    revoke_access_tokens(conn, &user, lifetimes, now).await?;
                }
                Ok(())
            })
            .await
    }

    /// Sets a new password and ends every session of the user.
    pub async fn user_reset_password(&self, reset: PasswordReset, now: DateTime<Utc>) -> Result<()> {
        let found = self
            .user_by_name(&reset.username)
            .await?
            .ok_or(Error::UserNotFound)?;
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, found.id).await?;
                let row = users::table.find(user.id);
                diesel::update(row)
                    .set(users::password.eq(&reset.password))
                    .execute(conn)
                    .await?;
                delete_sessions(conn, &user, lifetimes, now).await
            })
            .await
    }
}

fn username_taken(error: diesel::result::Error) -> Error {
    let error = storage::Error::from(error);
    if error.is_unique_violation("users_username_key") {
        Error::UsernameTaken
    } else {
        error.into()
    }
}
