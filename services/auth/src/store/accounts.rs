//! Accounts: made, looked up, handed to the other services, changed by an administrator.

use bus::emit;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::{Role, UserId, text};
use proto::events::v1::UserRegistered;
use proto::events::v1::event::Payload;

use super::revocations::user_cut_off;
use super::sessions::{Granted, NewRefreshToken, session_insert};
use super::{Direction, Store, UserRow, lock_user};
use crate::error::{Error, Result};
use crate::schema::{refresh_tokens, users};

/// An account to be.
pub struct NewUser {
    /// Its name, checked.
    pub username: String,
    /// The PHC string of its password's hash.
    pub password: String,
    /// The name that is shown.
    pub display_name: String,
}

/// What anyone may know of an account.
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

/// What other services keep of an account.
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
    /// The account.
    pub user: UserRow,
    /// How many follow it.
    pub followers: u64,
    /// How many it follows.
    pub following: u64,
    /// Whether the viewer follows it, when there is one.
    pub is_following: Option<bool>,
}

/// A password that replaces another.
pub struct PasswordChange {
    /// The account's name.
    pub username: String,
    /// The PHC string of the new password's hash.
    pub password: String,
}

impl Store {
    /// Makes an account with its first session.
    pub async fn user_register(
        &self,
        new: NewUser,
        refresh: NewRefreshToken,
        now: DateTime<Utc>,
    ) -> Result<Granted> {
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
                    .map_err(name_taken)?;
                let told = UserRegistered {
                    user_id: user.id,
                    username: user.username.clone(),
                    display_name: user.display_name.clone(),
                };
                emit(conn, Payload::UserRegistered(told), user.id, user.version).await?;
                session_insert(conn, user, refresh, lifetimes, now).await
            })
            .await
    }

    /// The account of a name, in whatever case. What can be no name is looked up all the same, as one that
    /// nobody has: it takes as long, and PostgreSQL does not take every text (no NUL).
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

    /// An account by its id.
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

    /// The public profile of a name, as a viewer sees it.
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

    /// Names and pictures of those accounts that exist.
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

    /// Accounts after an id, in rising order.
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

    /// Gives an account a role. One that may less than before loses its access tokens, which name the old
    /// role; one that may more keeps them until they expire.
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
                if role < user.role() {
                    user_cut_off(conn, &user, lifetimes, now).await?;
                }
                Ok(())
            })
            .await
    }

    /// Replaces a password and ends every session of the account.
    pub async fn user_reset_password(&self, change: PasswordChange, now: DateTime<Utc>) -> Result<()> {
        let found = self
            .user_by_name(&change.username)
            .await?
            .ok_or(Error::UserNotFound)?;
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, found.id).await?;
                let row = users::table.find(user.id);
                diesel::update(row)
                    .set(users::password.eq(&change.password))
                    .execute(conn)
                    .await?;
                let sessions = refresh_tokens::table.filter(refresh_tokens::user_id.eq(user.id));
                diesel::delete(sessions).execute(conn).await?;
                user_cut_off(conn, &user, lifetimes, now).await
            })
            .await
    }
}

fn name_taken(error: diesel::result::Error) -> Error {
    let error = storage::Error::from(error);
    if error.is_unique_violation("users_username_key") {
        Error::UsernameTaken
    } else {
        error.into()
    }
}
