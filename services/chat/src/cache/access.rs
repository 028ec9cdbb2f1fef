//! Settings, bans and moderators of rooms. The replica that changes them sees the change at once, the others
//! within a second.
//!
//! While a room is active, its settings are read about once per second, together with the users named in its
//! recent moderation log. Every change of bans and moderators is in the log, so the entries of a user who is
//! not named there may be cached for longer: messages of an occasional sender need no reads. The log is
//! read further back than entries are cached, so replicas need no coordination, only clocks that agree as
//! well as tokens require.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use identity::User;
use moka::future::Cache;
use primitives::{Clock, StreamId, UserId};
use storage::Mongo;
use tokio::try_join;

use super::refreshing::{CACHE_TTL, RefreshingCache};
use crate::domain::{Ban, Membership, Settings, Standing};
use crate::error::Result;
use crate::store::bans::ban_get;
use crate::store::log::log_recent_users;
use crate::store::moderators::moderator_exists;
use crate::store::settings::settings_get;

/// For users who are not named in the recent log.
const UNNAMED_TTL: Duration = Duration::from_secs(30);
/// How far back the log is read: [`UNNAMED_TTL`], and 10 s for latency and clock differences.
const LOG_WINDOW: Duration = Duration::from_secs(40);
/// Each room may have 200 blocked words.
const MAX_ROOMS: u64 = 2_000;
const MAX_USERS: u64 = 100_000;

pub struct AccessCache {
    mongo: Mongo,
    clock: Clock,
    rules: RefreshingCache<StreamId, Arc<RoomRules>>,
    named: Cache<(StreamId, UserId), ListEntries>,
    unnamed: Cache<(StreamId, UserId), ListEntries>,
}

#[derive(Debug)]
pub struct RoomRules {
    pub settings: Settings,
    /// The users named in the recent log; `None` if that may be any user.
    named: Option<HashSet<UserId>>,
}

impl RoomRules {
    async fn read(mongo: Mongo, stream: StreamId, now: DateTime<Utc>) -> Result<Arc<Self>> {
        let (settings, named) = try_join!(
            settings_get(&mongo, stream),
            log_recent_users(&mongo, stream, now - LOG_WINDOW)
        )?;
        Ok(Arc::new(Self { settings, named }))
    }

    fn may_name(&self, user: UserId) -> bool {
        self.named.as_ref().is_none_or(|named| named.contains(&user))
    }
}

/// A user's stored entries in the lists of a room.
#[derive(Debug, Clone, Copy)]
struct ListEntries {
    moderator: bool,
    ban: Option<Ban>,
}

impl AccessCache {
    #[must_use]
    pub fn new(mongo: Mongo, clock: Clock) -> Self {
        let users = |ttl| Cache::builder().max_capacity(MAX_USERS).time_to_live(ttl).build();
        Self {
            mongo,
            clock,
            rules: RefreshingCache::new(MAX_ROOMS),
            named: users(CACHE_TTL),
            unnamed: users(UNNAMED_TTL),
        }
    }

    pub async fn rules(&self, stream: StreamId) -> Result<Arc<RoomRules>> {
        let load = || RoomRules::read(self.mongo.clone(), stream, self.clock.now());
        self.rules.get(stream, load).await
    }

    pub async fn standing(&self, stream: StreamId, owner: UserId, user: &User) -> Result<Standing> {
        let membership = self.membership(stream, user.id).await?;
        Ok(Standing::of(user.id, user.role, owner, membership))
    }

    pub async fn membership(&self, stream: StreamId, user: UserId) -> Result<Membership> {
        let entries = self.entries(stream, user).await?;
        let now = self.clock.now();
        Ok(Membership {
            moderator: entries.moderator,
            banned: entries.ban.is_some_and(|ban| ban.is_active(now)),
        })
    }

    /// Returns how long a user's timeout still lasts; `None` for a permanent ban.
    pub async fn ban_remaining(&self, stream: StreamId, user: UserId) -> Result<Option<Duration>> {
        let now = self.clock.now();
        let entries = self.entries(stream, user).await?;
        Ok(entries.ban.and_then(|ban| ban.remaining(now)))
    }

    /// Call after a change of the room's settings.
    pub async fn invalidate_rules(&self, stream: StreamId) {
        self.rules.invalidate(&stream).await;
    }

    /// Call after a change of the user's ban or moderator entry. The rules change too: the log now names the
    /// user.
    pub async fn invalidate_user(&self, stream: StreamId, user: UserId) {
        self.named.invalidate(&(stream, user)).await;
        self.invalidate_rules(stream).await;
    }

    async fn entries(&self, stream: StreamId, user: UserId) -> Result<ListEntries> {
        let cache = if self.rules(stream).await?.may_name(user) {
            &self.named
        } else {
            &self.unnamed
        };
        let load = async {
            let (moderator, ban) = try_join!(
                moderator_exists(&self.mongo, stream, user),
                ban_get(&self.mongo, stream, user)
            )?;
            Ok(ListEntries { moderator, ban })
        };
        Ok(cache.try_get_with((stream, user), load).await?)
    }
}
