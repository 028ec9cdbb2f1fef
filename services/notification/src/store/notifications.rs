//! The notifications of each user.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{Cursor, NotificationId, PageInfo, PageRequest, UserId};
use storage::Database;
use storage::list::{self, Count, List, SortKey, Total, in_page};

use crate::domain::Subject;
use crate::error::{Error, Result};
use crate::schema::notifications as n;

/// Rows that one transaction updates or removes.
const BATCH: i64 = 1000;

/// A notification as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = n, check_for_backend(diesel::pg::Pg))]
pub struct Notification {
    /// Ascends with time.
    pub id: i64,
    pub user_id: i64,
    /// The name of a [`NotificationKind`](crate::domain::NotificationKind).
    pub type_: String,
    pub message: String,
    pub is_read: bool,
    pub related_entity_id: i64,
    /// `user`, `stream` or `vod`.
    pub related_entity_type: String,
    pub actor_id: i64,
    pub created_at: DateTime<Utc>,
    subject_title: Option<String>,
}

impl Notification {
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        Subject::of(self.related_entity_id, self.subject_title.clone())
    }
}

/// Returns a page of a user's notifications, newest first; all of them, or only the read or unread ones.
pub async fn notifications_list(
    database: &Database,
    user: UserId,
    is_read: Option<bool>,
    page: PageRequest,
) -> Result<(Vec<Notification>, PageInfo)> {
    let count = Count::always(page);
    let list = move |page| {
        let keys = of_user(user, is_read).select((n::id, n::id));
        let rows = n::table
            .filter(in_page(n::id))
            .order(n::id.desc())
            .select((Notification::as_select(), Total));
        List::new(keys, rows, SortKey::Id, count, page)
    };
    let cursor = |last: &Notification| Cursor::from_id(last.id);
    database
        .read(async move |conn: &mut AsyncPgConnection| {
            let loaded = list::load(conn, page, list, cursor).await;
            Ok(loaded?)
        })
        .await
}

fn of_user(user: UserId, is_read: Option<bool>) -> n::BoxedQuery<'static, Pg> {
    let query = n::table.filter(n::user_id.eq(user.0)).into_boxed();
    match is_read {
        Some(is_read) => query.filter(n::is_read.eq(is_read)),
        None => query,
    }
}

pub async fn notifications_unread_count(database: &Database, user: UserId) -> Result<u64> {
    database
        .read(async move |conn: &mut AsyncPgConnection| {
            let unread = of_user(user, Some(false)).select(count_star());
            let count: i64 = unread.get_result(conn).await?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
        .await
}

/// Marks one of the user's notifications as read. Returns whether it was unread before. Idempotent.
///
/// # Errors
/// [`Error::NotFound`] if the user has no notification with this id.
pub async fn notification_mark_read(
    database: &Database,
    user: UserId,
    id: NotificationId,
) -> Result<(Notification, bool)> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let own = n::id.eq(id.0).and(n::user_id.eq(user.0));
            let marked = diesel::update(n::table.filter(own).filter(n::is_read.eq(false)))
                .set((n::is_read.eq(true), n::updated_at.eq(diesel::dsl::now)))
                .execute(conn)
                .await?;
            let row = n::table
                .filter(own)
                .select(Notification::as_select())
                .first(conn)
                .await
                .optional()?;
            Ok((row.ok_or(Error::NotFound)?, marked > 0))
        })
        .await
}

/// Marks all of the user's current notifications as read, in batches. Returns how many were unread.
pub async fn notifications_mark_all_read(database: &Database, user: UserId) -> Result<u64> {
    let newest: Option<i64> = database
        .read(async move |conn: &mut AsyncPgConnection| {
            let newest = n::table
                .filter(n::user_id.eq(user.0))
                .select(diesel::dsl::max(n::id));
            Ok::<_, Error>(newest.first(conn).await?)
        })
        .await?;
    let Some(newest) = newest else { return Ok(0) };
    let mut marked = 0;
    loop {
        let batch = database
            .transaction(async move |conn: &mut AsyncPgConnection| mark_batch(conn, user, newest).await)
            .await?;
        marked += batch;
        if batch < BATCH {
            return Ok(u64::try_from(marked).unwrap_or(0));
        }
    }
}

async fn mark_batch(conn: &mut AsyncPgConnection, user: UserId, newest: i64) -> Result<i64> {
    let unread = n::table
        .filter(
            n::user_id
                .eq(user.0)
                .and(n::is_read.eq(false))
                .and(n::id.le(newest)),
        )
        .order(n::id)
        .limit(BATCH)
        .for_update()
        .select(n::id);
    let ids: Vec<i64> = unread.load(conn).await?;
    let marked = diesel::update(n::table.filter(n::id.eq_any(ids)))
        .set((n::is_read.eq(true), n::updated_at.eq(diesel::dsl::now)))
        .execute(conn)
        .await?;
    Ok(i64::try_from(marked).unwrap_or(BATCH))
}

/// Removes one batch of the notifications created before a time. Returns how many.
pub async fn notifications_prune(database: &Database, before: DateTime<Utc>) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let old = n::table
                .filter(n::created_at.lt(before))
                .order(n::created_at)
                .limit(BATCH)
                .for_update()
                .skip_locked()
                .select(n::id);
            let ids: Vec<i64> = old.load(conn).await?;
            Ok(diesel::delete(n::table.filter(n::id.eq_any(ids)))
                .execute(conn)
                .await?)
        })
        .await
}
