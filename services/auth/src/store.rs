//! The tables `users`, `refresh_tokens`, `token_blacklist` and `follows`, the events that their changes emit,
//! and the sign-in counters in Redis.
//!
//! Every change to a user's sessions locks the user's row first. Sign-ins, refreshes, logouts and password
//! changes of one user therefore run one after the other, and none leaves a token valid that another has just
//! revoked.

mod accounts;
mod administration;
mod follows;
mod profiles;
mod revocations;
mod sessions;
mod throttle;

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use moka::future::Cache;
use primitives::{Role, UserId};
use storage::Database;

use crate::domain::Lifetimes;
use crate::error::{Error, Result};
use crate::schema::users;

pub use accounts::{NewUser, Owner, PasswordReset, Profile, Summary};
pub use administration::{AccountFilter, AccountPage, ban_reason, name_prefix};
pub use follows::{Direction, FollowPage};
pub use profiles::{AVATARS, PasswordChange, ProfileChange};
pub use sessions::SessionGrant;
pub use throttle::Throttle;

#[derive(Clone)]
pub struct Store {
    pub(crate) database: Database,
    lifetimes: Lifetimes,
    /// Follower and following counts that are slow to compute.
    large_counts: Cache<(i64, follows::Direction), u64>,
}

impl Store {
    #[must_use]
    pub fn new(database: Database, lifetimes: Lifetimes) -> Self {
        Self {
            database,
            lifetimes,
            large_counts: follows::large_counts(),
        }
    }
}

/// An account. Not `Debug`, because it contains the password hash.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub struct UserRow {
    pub id: i64,
    pub username: String,
    /// The password hash, a PHC string.
    pub password: String,
    pub display_name: String,
    /// The presigned URL of the avatar.
    pub avatar_url: Option<String>,
    pub avatar_url_expires_at: Option<DateTime<Utc>>,
    b2_avatar_file_id: Option<String>,
    b2_avatar_file_name: Option<String>,
    pub bio: String,
    #[diesel(deserialize_as = RoleColumn)]
    pub role: Role,
    /// Access tokens with an earlier `iat` are revoked.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    pub banned_at: Option<DateTime<Utc>>,
    pub ban_reason: Option<String>,
    /// Increases with each change that other services receive as an event.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The text of a role in the database.
#[derive(Debug, FromSqlRow)]
pub struct RoleColumn(Role);

impl FromSql<Text, Pg> for RoleColumn {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Pg>>::from_sql(value)?;
        let role = text.parse().map_err(|_| format!("unknown role {text}"))?;
        Ok(Self(role))
    }
}

impl From<RoleColumn> for Role {
    fn from(column: RoleColumn) -> Self {
        column.0
    }
}

impl UserRow {
    #[must_use]
    pub fn id(&self) -> UserId {
        UserId(self.id)
    }
}

/// Locks a user's row, and thereby all sessions of the user, until the end of the transaction.
async fn lock_user(conn: &mut AsyncPgConnection, id: i64) -> Result<UserRow> {
    let row = users::table
        .find(id)
        .select(UserRow::as_select())
        // FOR UPDATE would also block every new follow of this account.
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.ok_or(Error::UserNotFound)
}
