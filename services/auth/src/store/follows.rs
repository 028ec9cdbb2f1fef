//! Follows, follower lists and counts.

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

/// Larger counts are slow and need not be exact, so they are cached.
const LARGE_COUNT: i64 = 10_000;
const LARGE_COUNT_TTL: Duration = Duration::from_secs(5);
const MAX_CACHED_COUNTS: u64 = 10_000;

/// A list of follows: those of a user's followers, or those of the users that a user follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Followers,
    Following,
}

/// A page of followers or followed users, newest follow first.
#[derive(Debug)]
pub struct FollowPage {
    pub users: Vec<Summary>,
    pub info: PageInfo,
}

pub(super) fn large_counts() -> Cache<(i64, Direction), u64> {
    Cache::builder()
        .max_capacity(MAX_CACHED_COUNTS)
        .time_to_live(LARGE_COUNT_TTL)
        .build()
}

/// A follower or a followed user, with the id of the follow.
#[derive(Queryable, Selectable)]
#[diesel(table_name = follows, check_for_backend(Pg))]
struct FollowRow {
    #[diesel(select_expression = follows::id)]
    follow_id: i64,
    #[diesel(embed)]
    user: Summary,
}

/// Selects the users of a page of follows. The two joins have different types, hence a macro.
macro_rules! page_rows {
    ($joined:expr) => {
        follows::table
            .inner_join(users::table.on($joined))
            .filter(in_page(follows::id))
            .order(follows::id.desc())
            .select((FollowRow::as_select(), Total))
    };
}

impl Store {
    /// Follows a user and returns the time of the follow. Emits `user.followed`.
    ///
    /// # Errors
    /// [`Error::FollowsSelf`], [`Error::AlreadyFollowing`], [`Error::UserNotFound`].
    pub async fn follow_add(&self, follower: UserId, following: UserId) -> Result<DateTime<Utc>> {
        if follower == following {
            return Err(Error::FollowsSelf);
        }
        self.database
            .transaction(async move |conn| {
                let user = follower_of(conn, follower, following).await?;
                let follow = (
                    follows::follower_id.eq(follower.0),
                    follows::following_id.eq(following.0),
                );
                let followed_at: Option<DateTime<Utc>> = diesel::insert_into(follows::table)
                    .values(follow)
                    .on_conflict((follows::follower_id, follows::following_id))
                    .do_nothing()
                    .returning(follows::created_at)
                    .get_result(conn)
                    .await
                    .optional()?;
                let followed_at = followed_at.ok_or(Error::AlreadyFollowing)?;
                let event = UserFollowed {
                    follower_id: follower.0,
                    following_id: following.0,
                    follower_username: user.username,
                    follower_display_name: user.display_name,
                };
                let version = next_version(conn).await?;
                emit(conn, Payload::UserFollowed(event), following.0, version).await?;
                Ok(followed_at)
            })
            .await
    }

    /// Unfollows a user. Emits `user.unfollowed`.
    ///
    /// # Errors
    /// [`Error::NotFollowing`].
    pub async fn follow_remove(&self, follower: UserId, following: UserId) -> Result<()> {
        self.database
            .transaction(async move |conn| {
                let removed = diesel::delete(follow(follower, following)).execute(conn).await?;
                if removed == 0 {
                    return Err(Error::NotFollowing);
                }
                let event = UserUnfollowed {
                    follower_id: follower.0,
                    following_id: following.0,
                };
                let version = next_version(conn).await?;
                emit(conn, Payload::UserUnfollowed(event), following.0, version).await?;
                Ok(())
            })
            .await
    }

    pub async fn follow_exists(&self, follower: UserId, following: UserId) -> Result<bool> {
        self.database
            .read(async |conn| {
                Ok(diesel::select(exists(follow(follower, following)))
                    .get_result(conn)
                    .await?)
            })
            .await
    }

    /// Counts a user's followers or followed users. Counts from 10,000 may be 5 s old.
    pub async fn follow_count(&self, user: UserId, direction: Direction) -> Result<u64> {
        if let Some(count) = self.large_counts.get(&(user.0, direction)).await {
            return Ok(count);
        }
        let count: i64 = self
            .database
            .read(async |conn| -> Result<i64> {
                let first = follows_of(user, direction)
                    .select(follows::id)
                    .limit(LARGE_COUNT)
                    .load::<i64>(conn)
                    .await?
                    .len();
                let first = i64::try_from(first).unwrap_or(i64::MAX);
                if first < LARGE_COUNT {
                    return Ok(first);
                }
                Ok(follows_of(user, direction)
                    .select(count_star())
                    .first(conn)
                    .await?)
            })
            .await?;
        let count = u64::try_from(count).unwrap_or(0);
        if count >= LARGE_COUNT.unsigned_abs() {
            self.large_counts.insert((user.0, direction), count).await;
        }
        Ok(count)
    }

    /// Returns a page of a user's followers or followed users, newest first.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
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
        let keys = move || follows_of(user, direction).select((follows::id, follows::id));
        let cursor = |last: &FollowRow| Cursor::from_id(last.follow_id);
        let (rows, info): (Vec<FollowRow>, PageInfo) = self
            .database
            .read(async move |conn| -> Result<_> {
                let loaded = match direction {
                    Direction::Followers => {
                        let rows = users::id.eq(follows::follower_id);
                        let list = |page| List::new(keys(), page_rows!(rows), SortKey::Id, count, page);
                        list::load(conn, page, list, cursor).await
                    }
                    Direction::Following => {
                        let rows = users::id.eq(follows::following_id);
                        let list = |page| List::new(keys(), page_rows!(rows), SortKey::Id, count, page);
                        list::load(conn, page, list, cursor).await
                    }
                };
                Ok(loaded?)
            })
            .await?;
        if rows.is_empty() {
            // An unknown user is an error, an empty list is not.
            self.user_get(user).await?;
        }
        let large = info
            .total_items
            .filter(|total| *total >= LARGE_COUNT.unsigned_abs());
        if let Some(total) = large {
            self.large_counts.insert((user.0, direction), total).await;
        }
        let users = rows.into_iter().map(|row| row.user).collect();
        Ok(FollowPage { users, info })
    }

    /// Returns the ids that a user follows, newest follow first.
    pub async fn following_ids(&self, user: UserId, limit: i64) -> Result<Vec<i64>> {
        self.database
            .read(async |conn| {
                let following = follows_of(user, Direction::Following)
                    .order(follows::id.desc())
                    .limit(limit);
                Ok(following.select(follows::following_id).load(conn).await?)
            })
            .await
    }

    /// Returns follower ids above `after` in ascending order, and whether there are more.
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
        let has_more = ids.len() > limit as usize;
        ids.truncate(limit as usize);
        Ok((ids, has_more))
    }
}

fn follows_of(user: UserId, direction: Direction) -> follows::BoxedQuery<'static, Pg> {
    match direction {
        Direction::Followers => follows::table
            .filter(follows::following_id.eq(user.0))
            .into_boxed(),
        Direction::Following => follows::table
            .filter(follows::follower_id.eq(user.0))
            .into_boxed(),
    }
}

type Follow = Filter<follows::table, And<Eq<follows::follower_id, i64>, Eq<follows::following_id, i64>>>;

fn follow(follower: UserId, following: UserId) -> Follow {
    follows::table.filter(
        follows::follower_id
            .eq(follower.0)
            .and(follows::following_id.eq(following.0)),
    )
}

/// Returns the follower if both accounts exist.
async fn follower_of(conn: &mut AsyncPgConnection, follower: UserId, following: UserId) -> Result<UserRow> {
    let both = users::table
        .filter(users::id.eq_any([follower.0, following.0]))
        .select(UserRow::as_select());
    let both: Vec<UserRow> = both.load(conn).await?;
    let both_exist = both.len() == 2;
    both.into_iter()
        .find(|user| user.id() == follower && both_exist)
        .ok_or(Error::UserNotFound)
}

/// An unfollow deletes the row, so the versions of follow events come from a sequence.
async fn next_version(conn: &mut AsyncPgConnection) -> Result<i64> {
    Ok(
        diesel::select(diesel::dsl::sql::<BigInt>("nextval('follows_version')"))
            .get_result(conn)
            .await?,
    )
}
