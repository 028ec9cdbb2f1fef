//! The service's tables: `users`, `refresh_tokens`, `token_blacklist` and `follows`, and the events that
//! their changes emit.
//!
//! Whatever changes a user's sessions first locks the user's row. So a sign-in, a refresh, a logout and a new
//! password happen one after the other, and none of them leaves a token alive that another has just ended.

mod accounts;
mod administration;
mod follows;
mod profiles;
mod revocations;
mod sessions;
mod throttle;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use moka::future::Cache;
use primitives::{Role, UserId};
use storage::Database;

use crate::domain::Lifetimes;
use crate::error::{Error, Result};
use crate::schema::users;

pub use accounts::{NewUser, Owner, PasswordChange, Profile, Summary};
pub use administration::{AccountFilter, AccountPage, ban_reason, name_prefix};
pub use follows::{Direction, FollowPage};
pub use profiles::{AVATARS, OwnPassword, ProfileChange};
pub use sessions::{Granted, NewRefreshToken};
pub use throttle::Throttle;

/// The database, and how long what we put into it lives.
#[derive(Clone)]
pub struct Store {
    database: Database,
    lifetimes: Lifetimes,
    /// Follower and following counts of accounts that have very many.
    large_counts: Cache<(i64, follows::Direction), u64>,
}

impl Store {
    /// A store on a database.
    #[must_use]
    pub fn new(database: Database, lifetimes: Lifetimes) -> Self {
        Self {
            database,
            lifetimes,
            large_counts: follows::large_counts(),
        }
    }
}

/// An account. It can not be printed, since it holds the password's hash.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct UserRow {
    /// The account's id.
    pub id: i64,
    /// Its name.
    pub username: String,
    /// The PHC string of its password's hash.
    pub password: String,
    /// The name that is shown.
    pub display_name: String,
    /// The picture, presigned.
    pub avatar_url: Option<String>,
    /// When that URL ends.
    pub avatar_url_expires_at: Option<DateTime<Utc>>,
    b2_avatar_file_id: Option<String>,
    b2_avatar_file_name: Option<String>,
    /// About the person.
    pub bio: String,
    role: String,
    /// Access tokens with an earlier `iat` are refused.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// Since when the account is banned.
    pub banned_at: Option<DateTime<Utc>>,
    /// Why.
    pub ban_reason: Option<String>,
    /// Rises with each change that other services hear of.
    pub version: i64,
    /// Since when it is there.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl UserRow {
    /// What the account may do; the table holds no other words than those of [`Role`].
    #[must_use]
    pub fn role(&self) -> Role {
        self.role.parse().unwrap_or(Role::User)
    }

    /// The account's id.
    #[must_use]
    pub fn id(&self) -> UserId {
        UserId(self.id)
    }
}

/// Locks an account's row until the end of the transaction: the lock of all its sessions.
async fn lock_user(conn: &mut AsyncPgConnection, id: i64) -> Result<UserRow> {
    let row = users::table
        .find(id)
        .select(UserRow::as_select())
        // Not FOR UPDATE, which would make every follow of this account wait.
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.ok_or(Error::UserNotFound)
}
