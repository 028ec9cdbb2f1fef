//! What admins do to accounts. Each method reads the caller's role from the table, because an access token
//! may be older than the role.

use bus::emit;
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{Cursor, PageInfo, PageRequest, Role, UserId, text};
use proto::events::v1::event::Payload;
use proto::events::v1::{UserBanned, UserUnbanned};
use storage::list::{self, Count, List, SortKey, Total, in_page};

use super::revocations::revoke_access_tokens;
use super::sessions::delete_sessions;
use super::{Store, UserRow, lock_user};
use crate::error::{Error, Result};
use crate::schema::users;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The beginning of the username, ignoring case.
    pub prefix: Option<String>,
    pub role: Option<Role>,
    pub banned: Option<bool>,
}

/// A page of accounts, newest first.
pub struct AccountPage {
    pub users: Vec<UserRow>,
    pub info: PageInfo,
}

impl Store {
    /// Returns a page of accounts, newest first.
    ///
    /// # Errors
    /// [`Error::AdminOnly`].
    pub async fn account_page(
        &self,
        admin: UserId,
        filter: AccountFilter,
        page: PageRequest,
    ) -> Result<AccountPage> {
        let count = Count::always(page);
        let list = move |page| {
            let rows = users::table
                .filter(in_page(users::id))
                .order(users::id.desc())
                .select((UserRow::as_select(), Total));
            List::new(accounts(admin, &filter), rows, SortKey::Id, count, page)
        };
        let cursor = |last: &UserRow| Cursor::from_id(last.id);
        let read = async move |conn: &mut AsyncPgConnection| -> Result<_> {
            let (users, info) = list::load(conn, page, list, cursor).await?;
            // The query returns no accounts to anyone but an admin; tell the two cases apart.
            if users.is_empty() {
                must_be_admin(conn, admin).await?;
            }
            Ok(AccountPage { users, info })
        };
        self.database.read(read).await
    }

    /// Gives a user a role. Revokes the user's access tokens, which contain the old role; the next refresh
    /// issues one with the new role.
    ///
    /// # Errors
    /// [`Error::AdminOnly`], [`Error::LastAdmin`], [`Error::UserNotFound`].
    pub async fn role_set(
        &self,
        admin: UserId,
        id: UserId,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<UserRow> {
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                // The lock serialises two admins who demote each other, so that one of them remains.
                let admins = lock_admins(conn).await?;
                if !admins.contains(&admin.0) {
                    return Err(Error::AdminOnly);
                }
                let user = lock_user(conn, id.0).await?;
                if user.role == role {
                    return Ok(user);
                }
                if admins == [user.id] {
                    return Err(Error::LastAdmin);
                }
                let row = diesel::update(users::table.find(user.id));
                row.set(users::role.eq(role.as_str())).execute(conn).await?;
                revoke_access_tokens(conn, &user, lifetimes, now).await?;
                lock_user(conn, id.0).await
            })
            .await
    }

    /// Bans a user and ends all of the user's sessions. A second ban changes the reason. Emits `user.banned`.
    ///
    /// # Errors
    /// [`Error::AdminOnly`], [`Error::IsAdmin`], [`Error::UserNotFound`].
    pub async fn ban_set(
        &self,
        admin: UserId,
        id: UserId,
        reason: String,
        now: DateTime<Utc>,
    ) -> Result<UserRow> {
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                must_be_admin(conn, admin).await?;
                let user = lock_user(conn, id.0).await?;
                if user.role == Role::Admin {
                    return Err(Error::IsAdmin);
                }
                let since = user.banned_at.unwrap_or(now);
                let columns = (
                    users::banned_at.eq(since),
                    users::ban_reason.eq(&reason),
                    users::version.eq(users::version + 1),
                );
                let row = diesel::update(users::table.find(user.id)).set(columns);
                let banned: UserRow = row.returning(UserRow::as_returning()).get_result(conn).await?;
                delete_sessions(conn, &user, lifetimes, now).await?;
                let event = UserBanned {
                    user_id: user.id,
                    reason,
                };
                emit(conn, Payload::UserBanned(event), user.id, banned.version).await?;
                Ok(banned)
            })
            .await
    }

    /// Lifts a ban. Idempotent. Emits `user.unbanned` if there was one.
    ///
    /// # Errors
    /// [`Error::AdminOnly`], [`Error::UserNotFound`].
    pub async fn ban_lift(&self, admin: UserId, id: UserId) -> Result<UserRow> {
        self.database
            .transaction(async move |conn| {
                must_be_admin(conn, admin).await?;
                let user = lock_user(conn, id.0).await?;
                if user.banned_at.is_none() {
                    return Ok(user);
                }
                let columns = (
                    users::banned_at.eq(None::<DateTime<Utc>>),
                    users::ban_reason.eq(None::<String>),
                    users::version.eq(users::version + 1),
                );
                let row = diesel::update(users::table.find(user.id)).set(columns);
                let user: UserRow = row.returning(UserRow::as_returning()).get_result(conn).await?;
                let event = UserUnbanned { user_id: user.id };
                emit(conn, Payload::UserUnbanned(event), user.id, user.version).await?;
                Ok(user)
            })
            .await
    }
}

/// Selects the accounts that match, or none if the caller is not an admin, which saves a second query.
fn accounts(admin: UserId, filter: &AccountFilter) -> users::BoxedQuery<'static, Pg, (BigInt, BigInt)> {
    let caller = diesel::alias!(users as caller);
    let (role, banned_at) = (caller.field(users::role), caller.field(users::banned_at));
    let is_admin = caller
        .filter(caller.field(users::id).eq(admin.0))
        .filter(role.eq(Role::Admin.as_str()).and(banned_at.is_null()));
    let mut query = users::table
        .select((users::id, users::id))
        .filter(exists(is_admin))
        .into_boxed::<Pg>();
    if let Some(prefix) = &filter.prefix {
        // `_` is the only wildcard of LIKE that a username may contain.
        let pattern = format!("{}%", prefix.to_ascii_lowercase().replace('_', "\\_"));
        query = query.filter(users::username_key.like(pattern));
    }
    if let Some(role) = filter.role {
        query = query.filter(users::role.eq(role.as_str()));
    }
    match filter.banned {
        Some(true) => query.filter(users::banned_at.is_not_null()),
        Some(false) => query.filter(users::banned_at.is_null()),
        None => query,
    }
}

async fn must_be_admin(conn: &mut AsyncPgConnection, id: UserId) -> Result<()> {
    let admin = users::table
        .find(id.0)
        .filter(users::banned_at.is_null())
        .filter(users::role.eq(Role::Admin.as_str()));
    let is_admin: bool = diesel::select(exists(admin)).get_result(conn).await?;
    if is_admin { Ok(()) } else { Err(Error::AdminOnly) }
}

async fn lock_admins(conn: &mut AsyncPgConnection) -> Result<Vec<i64>> {
    let admins = users::table
        .filter(users::role.eq(Role::Admin.as_str()))
        .order(users::id)
        .select(users::id)
        .for_no_key_update();
    Ok(admins.load(conn).await?)
}

/// Validates the beginning of a username: 1 to 25 ASCII letters, digits or `_`.
///
/// # Errors
/// `invalid_query` for any other text.
pub fn name_prefix(text: &str) -> Result<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if (1..=25).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        let rule = "must be 1 to 25 letters, digits or _";
        Err(primitives::FieldError::new("query", "invalid_query", rule).into())
    }
}

/// Validates the reason of a ban: up to 500 characters.
pub fn ban_reason(reason: &str) -> Result<String> {
    Ok(text::reason(reason)?)
}
