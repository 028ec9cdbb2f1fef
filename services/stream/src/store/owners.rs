//! Our copy of auth's users, and what a ban or a deletion does to their streams.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use primitives::UserId;
use uuid::Uuid;

use super::search::forget_owner_in;
use super::streams::{delete_in, of_owner_in, silence_owner_in};
use super::{Conn, Store};
use crate::domain::EndReason;
use crate::error::{Error, Result};
use crate::schema::{broadcasts, owners, publishes, snapshots};

/// What is shown of an owner.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = owners, check_for_backend(diesel::pg::Pg))]
pub struct Names {
    pub username: String,
    pub display_name: String,
}

/// An account as auth tells it.
#[derive(Debug, Clone)]
pub struct Copied {
    pub id: i64,
    pub username: String,
    pub display_name: String,
    pub banned: bool,
    pub version: i64,
}

/// What an event says of a user.
#[derive(Debug, Clone)]
pub enum Change {
    /// He is called so.
    Named {
        /// The unique name.
        username: String,
        /// The shown name.
        display_name: String,
    },
    /// He is banned, or not any more.
    Banned(bool),
    /// He is gone.
    Deleted,
}

/// The consumer's name in the inbox, and of its queue.
pub const CONSUMER: &str = "stream.owners";
/// The row that says that the copy was filled.
const SNAPSHOT: &str = "owners";

impl Store {
    /// Applies an event once, whatever the order in which events come.
    ///
    /// # Errors
    /// What the database says.
    pub async fn owner_apply(&self, event: Uuid, user: UserId, version: i64, change: Change) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                if !bus::inbox_claim(conn, CONSUMER, event).await? {
                    return Ok(());
                }
                match change {
                    Change::Named {
                        username,
                        display_name,
                    } => name_in(conn, user, &username, &display_name, version, now).await,
                    Change::Banned(banned) => ban_in(conn, user, banned, version, now).await,
                    Change::Deleted => delete_owner_in(conn, user, now).await,
                }
            })
            .await
    }

    /// Whether the copy has been filled from a snapshot.
    ///
    /// # Errors
    /// What the database says.
    pub async fn owners_filled(&self) -> Result<bool> {
        self.database
            .read(async |conn: &mut Conn| {
                let filled = snapshots::table
                    .find(SNAPSHOT)
                    .select(snapshots::name)
                    .first::<String>(conn)
                    .await;
                Ok(filled.optional()?.is_some())
            })
            .await
    }

    /// Takes a page of a snapshot in; what events have told since is newer and stays.
    ///
    /// # Errors
    /// What the database says.
    pub async fn owners_fill(&self, page: Vec<Copied>) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                for owner in page {
                    let id = UserId(owner.id);
                    name_in(conn, id, &owner.username, &owner.display_name, owner.version, now).await?;
                    ban_in(conn, id, owner.banned, owner.version, now).await?;
                }
                Ok(())
            })
            .await
    }

    /// Notes that the snapshot was taken in to its end.
    ///
    /// # Errors
    /// What the database says.
    pub async fn owners_are_filled(&self) -> Result<()> {
        let row = (
            snapshots::name.eq(SNAPSHOT),
            snapshots::filled_at.eq(self.clock.now()),
        );
        self.database
            .transaction(async move |conn: &mut Conn| {
                diesel::insert_into(snapshots::table)
                    .values(row)
                    .on_conflict_do_nothing()
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await
    }
}

/// Makes a row for a user whom we have not heard of, named as his token names him. Any event replaces it.
pub(super) async fn stand_in(conn: &mut Conn, user: UserId, username: &str) -> Result<()> {
    let row = (
        owners::id.eq(user.0),
        owners::username.eq(username),
        owners::display_name.eq(username),
        owners::version.eq(0_i64),
        owners::ban_version.eq(0_i64),
    );
    diesel::insert_into(owners::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Fails for a banned or deleted user. The row is held until the transaction ends, so that a ban comes wholly
/// before or wholly after it.
pub(super) async fn must_be_welcome_in(conn: &mut Conn, user: UserId) -> Result<()> {
    let row: Option<(Option<DateTime<Utc>>, bool)> = owners::table
        .find(user.0)
        .for_share()
        .select((owners::banned_at, owners::deleted))
        .first(conn)
        .await
        .optional()?;
    match row {
        Some((None, false)) => Ok(()),
        _ => Err(Error::OwnerBanned),
    }
}

async fn name_in(
    conn: &mut Conn,
    user: UserId,
    username: &str,
    display_name: &str,
    version: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = (
        owners::id.eq(user.0),
        owners::username.eq(username),
        owners::display_name.eq(display_name),
        owners::version.eq(version),
        owners::ban_version.eq(0_i64),
        owners::updated_at.eq(now),
    );
    let upsert = diesel::insert_into(owners::table)
        .values(row)
        .on_conflict(owners::id)
        .do_update()
        .set((
            owners::username.eq(excluded(owners::username)),
            owners::display_name.eq(excluded(owners::display_name)),
            owners::version.eq(excluded(owners::version)),
            owners::updated_at.eq(now),
        ));
    let newer = owners::deleted.eq(false).and(owners::version.lt(version));
    let changed = diesel::query_dsl::methods::FilterDsl::filter(upsert, newer)
        .execute(conn)
        .await?;
    if changed > 0 {
        forget_owner_in(conn, user.0).await?;
    }
    Ok(())
}

async fn ban_in(conn: &mut Conn, user: UserId, banned: bool, version: i64, now: DateTime<Utc>) -> Result<()> {
    let banned_at = banned.then_some(now);
    let row = (
        owners::id.eq(user.0),
        owners::username.eq(""),
        owners::display_name.eq(""),
        owners::version.eq(0_i64),
        owners::ban_version.eq(version),
        owners::banned_at.eq(banned_at),
        owners::updated_at.eq(now),
    );
    let upsert = diesel::insert_into(owners::table)
        .values(row)
        .on_conflict(owners::id)
        .do_update()
        .set((
            owners::banned_at.eq(banned_at),
            owners::ban_version.eq(excluded(owners::ban_version)),
            owners::updated_at.eq(now),
        ));
    let newer = owners::deleted.eq(false).and(owners::ban_version.lt(version));
    let changed = diesel::query_dsl::methods::FilterDsl::filter(upsert, newer)
        .execute(conn)
        .await?;
    if banned && changed > 0 {
        silence_owner_in(conn, user, EndReason::Banned, now).await?;
    }
    Ok(())
}

/// Removes all that is the user's. The row stays, without a name, so that a late event brings nobody back.
async fn delete_owner_in(conn: &mut Conn, user: UserId, now: DateTime<Utc>) -> Result<()> {
    let gone = (
        owners::username.eq(""),
        owners::display_name.eq(""),
        owners::deleted.eq(true),
        owners::updated_at.eq(now),
    );
    let row = (
        owners::id.eq(user.0),
        owners::version.eq(0_i64),
        owners::ban_version.eq(0_i64),
        gone,
    );
    diesel::insert_into(owners::table)
        .values(row)
        .on_conflict(owners::id)
        .do_update()
        .set(gone)
        .execute(conn)
        .await?;
    for stream in of_owner_in(conn, user).await? {
        delete_in(conn, stream, now).await?;
    }
    diesel::delete(publishes::table.filter(publishes::user_id.eq(user.0)))
        .execute(conn)
        .await?;
    diesel::delete(broadcasts::table.filter(broadcasts::user_id.eq(user.0)))
        .execute(conn)
        .await?;
    Ok(())
}

/// What a user is called.
pub(super) async fn names_in(conn: &mut Conn, user: i64) -> Result<Names> {
    Ok(owners::table
        .find(user)
        .select(Names::as_select())
        .first(conn)
        .await?)
}
