//! What admins do to accounts. Whether somebody is an admin is read from the table each time, since a token
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

use super::revocations::user_cut_off;
use super::{Store, UserRow, lock_user};
use crate::error::{Error, Result};
use crate::schema::{refresh_tokens, users};

/// Which accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Their names begin so, without case.
    pub prefix: Option<String>,
    /// They have this role.
    pub role: Option<Role>,
    /// They are banned, or they are not.
    pub banned: Option<bool>,
}

/// A page of accounts, newest first.
pub struct AccountPage {
    /// The accounts.
    pub users: Vec<UserRow>,
    /// What is said beside them.
    pub info: PageInfo,
}

impl Store {
    /// A page of accounts, for an admin.
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
            if users.is_empty() {
                must_be_admin(conn, admin).await?;
            }
            Ok(AccountPage { users, info })
        };
        self.database.read(read).await
    }

    /// Gives an account a role. Its access tokens, which name the old one, are refused; the next refresh
    /// brings the new role.
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
                // Held until the end: two admins who take the role from each other come one after the other.
                let admins = lock_admins(conn).await?;
                if !admins.contains(&admin.0) {
                    return Err(Error::AdminOnly);
                }
                let user = lock_user(conn, id.0).await?;
                if user.role() == role {
                    return Ok(user);
                }
                if admins == [user.id] {
                    return Err(Error::LastAdmin);
                }
                let row = diesel::update(users::table.find(user.id));
                row.set(users::role.eq(role.as_str())).execute(conn).await?;
                user_cut_off(conn, &user, lifetimes, now).await?;
                lock_user(conn, id.0).await
            })
            .await
    }

    /// Bans an account: its sessions end, and everybody hears of it. A second ban changes the reason.
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
                if user.role() == Role::Admin {
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
                let sessions = refresh_tokens::table.filter(refresh_tokens::user_id.eq(user.id));
                diesel::delete(sessions).execute(conn).await?;
                user_cut_off(conn, &user, lifetimes, now).await?;
                let told = UserBanned {
                    user_id: user.id,
                    reason,
                };
                emit(conn, Payload::UserBanned(told), user.id, banned.version).await?;
                Ok(banned)
            })
            .await
    }

    /// Ends a ban; nothing happens where there is none.
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
                let told = UserUnbanned { user_id: user.id };
                emit(conn, Payload::UserUnbanned(told), user.id, user.version).await?;
                Ok(user)
            })
            .await
    }
}

/// The accounts that fit; none when this is no admin, so that a list needs no other question.
fn accounts(admin: UserId, filter: &AccountFilter) -> users::BoxedQuery<'static, Pg, (BigInt, BigInt)> {
    let asking = diesel::alias!(users as asking);
    let (role, banned_at) = (asking.field(users::role), asking.field(users::banned_at));
    let is_admin = asking
        .filter(asking.field(users::id).eq(admin.0))
        .filter(role.eq(Role::Admin.as_str()).and(banned_at.is_null()));
    let mut query = users::table
        .select((users::id, users::id))
        .filter(exists(is_admin))
        .into_boxed::<Pg>();
    if let Some(prefix) = &filter.prefix {
        // A name holds nothing that LIKE understands but `_`.
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
    let row = users::table.find(id.0).filter(users::banned_at.is_null());
    let role: Option<String> = row.select(users::role).first(conn).await.optional()?;
    if role.is_some_and(|role| role.parse::<Role>().is_ok_and(|role| role == Role::Admin)) {
        Ok(())
    } else {
        Err(Error::AdminOnly)
    }
}

async fn lock_admins(conn: &mut AsyncPgConnection) -> Result<Vec<i64>> {
    let admins = users::table
        .filter(users::role.eq(Role::Admin.as_str()))
        .order(users::id)
        .select(users::id)
        .for_no_key_update();
    Ok(admins.load(conn).await?)
}

/// What a name begins with: letters, digits and `_`, as names have them.
///
/// # Errors
/// Anything else.
pub fn name_prefix(text: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if (1..=25).contains(&text.len()) && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        let rule = "must be 1 to 25 letters, digits or _";
        Err(primitives::FieldError::new("query", "invalid", rule).into())
    }
}

/// Why somebody is banned: up to 500 characters.
///
/// # Errors
/// The rule that it breaks.
pub fn ban_reason(reason: &str) -> Result<String> {
    Ok(text::reason(reason)?)
}
