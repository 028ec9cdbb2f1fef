//! Who follows whom.

use std::time::Duration;

use bus::emit;
use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, exists};
use diesel::helper_types::{And, Eq, Filter};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use moka::future::Cache;
use primitives::page::PageStart;
use primitives::{Cursor, PageInfo, PageRequest, UserId};
use proto::events::v1::event::Payload;
use proto::events::v1::{UserFollowed, UserUnfollowed};
use storage::list::{self, Count, List, SortKey, Total, in_page};

use super::accounts::Summary;
use super::{Store, UserRow};
use crate::error::{Error, Result};
use crate::schema::{follows, users};

/// Up to here a count is made anew each time. Above it takes a while and nobody sees the difference, so it is
/// kept a moment.
const EXACT: i64 = 10_000;
/// How long a large count is kept.
const LARGE_COUNT_AGE: Duration = Duration::from_secs(5);
/// Large counts that are kept at once.
const LARGE_COUNTS: u64 = 10_000;

/// From which end a pair is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Those who follow the account.
    Followers,
    /// Those whom the account follows.
    Following,
}

/// A page of one of the two lists.
#[derive(Debug)]
pub struct FollowPage {
    /// The accounts at the other end, newest pair first.
    pub users: Vec<Summary>,
    /// What is said beside them.
    pub info: PageInfo,
}

pub(super) fn large_counts() -> Cache<(i64, Direction), u64> {
    Cache::builder()
        .max_capacity(LARGE_COUNTS)
        .time_to_live(LARGE_COUNT_AGE)
        .build()
}

/// The account at the other end of a pair.
#[derive(Queryable, Selectable)]
#[diesel(table_name = follows, check_for_backend(Pg))]
struct Other {
    #[diesel(select_expression = follows::id)]
    pair: i64,
    #[diesel(embed)]
    user: Summary,
}

/// The accounts at the other ends of the page's pairs.
macro_rules! others {
    ($joined:expr) => {
        follows::table
            .inner_join(users::table.on($joined))
            .filter(in_page(follows::id))
            .order(follows::id.desc())
            .select((Other::as_select(), Total))
    };
}

impl Store {
    /// Makes one account follow another; answers since when.
    pub async fn follow_add(&self, follower: UserId, following: UserId) -> Result<DateTime<Utc>> {
        if follower == following {
            return Err(Error::FollowsOneself);
        }
        self.database
            .transaction(async move |conn| {
                let user = both_exist(conn, follower, following).await?;
                let pair = (
                    follows::follower_id.eq(follower.0),
                    follows::following_id.eq(following.0),
                );
                let since: Option<DateTime<Utc>> = diesel::insert_into(follows::table)
                    .values(pair)
                    .on_conflict((follows::follower_id, follows::following_id))
                    .do_nothing()
                    .returning(follows::created_at)
                    .get_result(conn)
                    .await
                    .optional()?;
                let since = since.ok_or(Error::AlreadyFollowing)?;
                let told = UserFollowed {
                    follower_id: follower.0,
                    following_id: following.0,
                    follower_username: user.username,
                    follower_display_name: user.display_name,
                };
                let version = next_version(conn).await?;
                emit(conn, Payload::UserFollowed(told), following.0, version).await?;
                Ok(since)
            })
            .await
    }

    /// Makes one account follow another no longer.
    pub async fn follow_remove(&self, follower: UserId, following: UserId) -> Result<()> {
        self.database
            .transaction(async move |conn| {
                let removed = diesel::delete(pair(follower, following)).execute(conn).await?;
                if removed == 0 {
                    return Err(Error::NotFollowing);
                }
                let told = UserUnfollowed {
                    follower_id: follower.0,
                    following_id: following.0,
                };
                let version = next_version(conn).await?;
                emit(conn, Payload::UserUnfollowed(told), following.0, version).await?;
                Ok(())
            })
            .await
    }

    /// Whether one account follows another.
    pub async fn follow_exists(&self, follower: UserId, following: UserId) -> Result<bool> {
        self.database
            .read(async |conn| {
                Ok(diesel::select(exists(pair(follower, following)))
                    .get_result(conn)
                    .await?)
            })
            .await
    }

    /// How many pairs an account is in, seen from one end. Large numbers may be some seconds old.
    pub async fn follow_count(&self, user: UserId, direction: Direction) -> Result<u64> {
        if let Some(count) = self.large_counts.get(&(user.0, direction)).await {
            return Ok(count);
        }
        let count: i64 = self
            .database
            .read(async |conn| -> Result<i64> {
                let some = end(user, direction)
                    .select(follows::id)
                    .limit(EXACT)
                    .load::<i64>(conn)
                    .await?
                    .len();
                let some = i64::try_from(some).unwrap_or(i64::MAX);
                if some < EXACT {
                    return Ok(some);
                }
                Ok(end(user, direction).select(count_star()).first(conn).await?)
            })
            .await?;
        let count = u64::try_from(count).unwrap_or(0);
        if count >= EXACT.unsigned_abs() {
            self.large_counts.insert((user.0, direction), count).await;
        }
        Ok(count)
    }

    /// A page of one of the two lists of an account, newest first.
    pub async fn follow_page(
        &self,
        user: UserId,
        direction: Direction,
        page: PageRequest,
    ) -> Result<FollowPage> {
        let count = match page.start {
            PageStart::After(_) => Count::No,
            PageStart::Page(_) => match self.large_counts.get(&(user.0, direction)).await {
                Some(count) => Count::Known(i64::try_from(count).unwrap_or(i64::MAX)),
                None => Count::All,
            },
        };
        let keys = move || end(user, direction).select((follows::id, follows::id));
        let cursor = |last: &Other| Cursor::from_id(last.pair);
        let (rows, info): (Vec<Other>, PageInfo) = self
            .database
            .read(async move |conn| -> Result<_> {
                let loaded = match direction {
                    Direction::Followers => {
                        let rows = users::id.eq(follows::follower_id);
                        let list = |page| List::new(keys(), others!(rows), SortKey::Id, count, page);
                        list::load(conn, page, list, cursor).await
                    }
                    Direction::Following => {
                        let rows = users::id.eq(follows::following_id);
                        let list = |page| List::new(keys(), others!(rows), SortKey::Id, count, page);
                        list::load(conn, page, list, cursor).await
                    }
                };
                Ok(loaded?)
            })
            .await?;
        if rows.is_empty() {
            // Nobody follows, or there is nobody to follow.
            self.user_get(user).await?;
        }
        let large = info.total_items.filter(|total| *total >= EXACT.unsigned_abs());
        if let Some(total) = large {
            self.large_counts.insert((user.0, direction), total).await;
        }
        let users = rows.into_iter().map(|other| other.user).collect();
        Ok(FollowPage { users, info })
    }

    /// The newest of those whom an account follows.
    pub async fn following_ids(&self, user: UserId, limit: i64) -> Result<Vec<i64>> {
        self.database
            .read(async |conn| {
                let following = end(user, Direction::Following)
                    .order(follows::id.desc())
                    .limit(limit);
                Ok(following.select(follows::following_id).load(conn).await?)
            })
            .await
    }

    /// Ids of followers after one, in rising order, and whether there are more.
    pub async fn follower_ids(&self, user: UserId, after: i64, limit: u32) -> Result<(Vec<i64>, bool)> {
        let mut ids: Vec<i64> = self
            .database
            .read(async |conn| -> Result<Vec<i64>> {
                let followers = follows::table
                    .filter(
                        follows::following_id
                            .eq(user.0)
                            .and(follows::follower_id.gt(after)),
                    )
                    .order(follows::follower_id)
                    .limit(i64::from(limit) + 1)
                    .select(follows::follower_id);
                Ok(followers.load(conn).await?)
            })
            .await?;
        let more = ids.len() > limit as usize;
        ids.truncate(limit as usize);
        Ok((ids, more))
    }
}

type Boxed = follows::BoxedQuery<'static, Pg>;

/// The pairs of an account, seen from one end.
fn end(user: UserId, direction: Direction) -> Boxed {
    match direction {
        Direction::Followers => follows::table
            .filter(follows::following_id.eq(user.0))
            .into_boxed(),
        Direction::Following => follows::table
            .filter(follows::follower_id.eq(user.0))
            .into_boxed(),
    }
}

type Pair = Filter<follows::table, And<Eq<follows::follower_id, i64>, Eq<follows::following_id, i64>>>;

fn pair(follower: UserId, following: UserId) -> Pair {
    follows::table.filter(
        follows::follower_id
            .eq(follower.0)
            .and(follows::following_id.eq(following.0)),
    )
}

/// The follower, when both accounts are there.
async fn both_exist(conn: &mut AsyncPgConnection, follower: UserId, following: UserId) -> Result<UserRow> {
    let both = users::table
        .filter(users::id.eq_any([follower.0, following.0]))
        .select(UserRow::as_select());
    let both: Vec<UserRow> = both.load(conn).await?;
    let there = both.len() == 2;
    both.into_iter()
        .find(|user| user.id() == follower && there)
        .ok_or(Error::UserNotFound)
}

/// Follows come and go with their rows, so the versions of their facts come from a sequence.
async fn next_version(conn: &mut AsyncPgConnection) -> Result<i64> {
    Ok(
        diesel::select(diesel::dsl::sql::<BigInt>("nextval('follows_version')"))
            .get_result(conn)
            .await?,
    )
}
