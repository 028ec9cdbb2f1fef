//! A copy of auth's users, and the effects of bans and deletions on their streams.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use primitives::UserId;
use uuid::Uuid;

use super::search::clear_owner_in;
use super::streams::{delete_in, end_broadcasts_of_owner_in, ids_of_owner_in};
use super::{Conn, Store};
use crate::domain::EndReason;
use crate::error::{Error, Result};
use crate::schema::{broadcasts, owners, publishes, snapshots};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = owners, check_for_backend(diesel::pg::Pg))]
pub struct OwnerNames {
    pub username: String,
    pub display_name: String,
}

/// A row of a user, of which the copy may know only a part.
#[derive(Insertable)]
#[diesel(table_name = owners)]
struct NewOwner<'a> {
    id: i64,
    username: &'a str,
    display_name: &'a str,
    version: i64,
    ban_version: i64,
    banned_at: Option<DateTime<Utc>>,
    deleted: bool,
    updated_at: DateTime<Utc>,
}

impl NewOwner<'_> {
    /// Returns a row that every event replaces.
    const fn unknown(user: UserId, now: DateTime<Utc>) -> Self {
        Self {
            id: user.0,
            username: NO_NAME,
            display_name: NO_NAME,
            version: NO_VERSION,
            ban_version: NO_VERSION,
            banned_at: None,
            deleted: false,
            updated_at: now,
        }
    }
}

/// A user in auth's snapshot.
#[derive(Debug, Clone)]
pub struct OwnerSnapshot {
    pub id: i64,
    pub username: String,
    pub display_name: String,
    pub banned: bool,
    pub version: i64,
}

/// The effect of an event on a user.
#[derive(Debug, Clone)]
pub enum OwnerUpdate {
    Names {
        username: String,
        display_name: String,
    },
    /// A ban (true), or its end (false).
    Banned(bool),
    Deleted,
}

/// Names the consumer in the inbox, and its queue.
pub const CONSUMER: &str = "stream.owners";
/// The key of the row in `snapshots` that marks the copy as complete.
const SNAPSHOT: &str = "owners";
/// Older than every version that auth assigns.
const NO_VERSION: i64 = 0;
/// The name of deleted users, and of users known only from a ban.
const NO_NAME: &str = "";

impl Store {
    /// Applies an event. Repeats have no effect, and events may arrive in any order.
    pub async fn owner_apply(
        &self,
        event: Uuid,
        user: UserId,
        version: i64,
        update: OwnerUpdate,
    ) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                if !bus::inbox_claim(conn, CONSUMER, event).await? {
                    return Ok(());
                }
                match update {
                    OwnerUpdate::Names {
                        username,
                        display_name,
                    } => name_in(conn, user, &username, &display_name, version, now).await,
                    OwnerUpdate::Banned(banned) => ban_in(conn, user, banned, version, now).await,
                    OwnerUpdate::Deleted => delete_owner_in(conn, user, now).await,
                }
            })
            .await
    }

    /// Returns whether the whole snapshot has been imported.
    pub async fn owners_complete(&self) -> Result<bool> {
        self.database
            .read(async |conn: &mut Conn| {
                let row = snapshots::table
                    .find(SNAPSHOT)
                    .select(snapshots::name)
                    .first::<String>(conn)
                    .await;
                Ok(row.optional()?.is_some())
            })
            .await
    }

    /// Imports a page of the snapshot. Newer events prevail.
    pub async fn owners_import(&self, page: Vec<OwnerSnapshot>) -> Result<()> {
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

    /// Marks the import of the snapshot as complete.
    pub async fn owners_mark_complete(&self) -> Result<()> {
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

/// Inserts a row for a user who is not in the copy yet, with the name in the access token. Any event replaces
/// it.
pub(super) async fn insert_placeholder_in(
    conn: &mut Conn,
    user: UserId,
    username: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = NewOwner {
        username,
        display_name: username,
        ..NewOwner::unknown(user, now)
    };
    diesel::insert_into(owners::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Fails for banned and deleted users. Locks the row until the transaction ends, so that a ban takes effect
/// either entirely before or entirely after it.
pub(super) async fn require_active_in(conn: &mut Conn, user: UserId) -> Result<()> {
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
    let row = NewOwner {
        username,
        display_name,
        version,
        ..NewOwner::unknown(user, now)
    };
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
        clear_owner_in(conn, user.0).await?;
    }
    Ok(())
}

async fn ban_in(conn: &mut Conn, user: UserId, banned: bool, version: i64, now: DateTime<Utc>) -> Result<()> {
    let banned_at = banned.then_some(now);
    let row = NewOwner {
        ban_version: version,
        banned_at,
        ..NewOwner::unknown(user, now)
    };
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
        end_broadcasts_of_owner_in(conn, user, EndReason::Banned, now).await?;
    }
    Ok(())
}

/// Deletes everything that belongs to a user. The row stays, without names, so that a late event cannot
/// restore the user.
async fn delete_owner_in(conn: &mut Conn, user: UserId, now: DateTime<Utc>) -> Result<()> {
    let deleted = (
        owners::username.eq(NO_NAME),
        owners::display_name.eq(NO_NAME),
        owners::deleted.eq(true),
        owners::updated_at.eq(now),
    );
    let row = NewOwner {
        deleted: true,
        ..NewOwner::unknown(user, now)
    };
    diesel::insert_into(owners::table)
        .values(row)
        .on_conflict(owners::id)
        .do_update()
        .set(deleted)
        .execute(conn)
        .await?;
    for stream in ids_of_owner_in(conn, user).await? {
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

pub(super) async fn names_in(conn: &mut Conn, user: i64) -> Result<OwnerNames> {
    Ok(owners::table
        .find(user)
        .select(OwnerNames::as_select())
        .first(conn)
        .await?)
}
