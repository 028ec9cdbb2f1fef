//! What holds in a room, and for whom: its rules, its bans, its moderators. A change is seen at once by the
//! replica that made it, and within a second by the others.
//!
//! A room's rules are read about once a second while it is spoken in, and with them whom the log names of
//! late. Every change of the lists is in the log, so what they say of somebody whom it does not name holds
//! for longer than a second: a message of somebody who speaks now and then asks nothing of the store. That an
//! answer is always younger than the log that is looked at needs no order among replicas, only clocks that
//! agree as well as those of tokens have to.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use identity::User;
use moka::future::Cache;
use primitives::{Clock, StreamId, UserId};
use storage::Mongo;
use tokio::try_join;

use crate::domain::{Ban, Place, Settings, Standing};
use crate::error::Result;
use crate::fresh::{Fresh, HOLDS};
use crate::store::bans::ban_get;
use crate::store::log::log_named;
use crate::store::moderators::moderator_exists;
use crate::store::settings::settings_get;

/// How long what the lists say of somebody holds while the log does not name them.
const HOLDS_UNNAMED: Duration = Duration::from_secs(30);
/// How far back the log is looked at: as long as that, and ten seconds for what a change and a question take
/// and clocks differ.
const LOOK_BACK: Duration = Duration::from_secs(40);
/// Rooms remembered at once; each may have 200 words.
const ROOMS: u64 = 2_000;
/// People in rooms remembered at once.
const PEOPLE: u64 = 100_000;

/// Knows rules and lists of rooms.
pub struct Places {
    mongo: Mongo,
    clock: Clock,
    rules: Fresh<StreamId, Arc<Rules>>,
    named: Cache<(StreamId, UserId), Listed>,
    unnamed: Cache<(StreamId, UserId), Listed>,
}

/// A room's rules.
#[derive(Debug)]
pub struct Rules {
    /// What its moderators decided.
    pub settings: Settings,
    /// To whom something was done of late; `None` for maybe anybody.
    named: Option<HashSet<UserId>>,
}

impl Rules {
    async fn read(mongo: Mongo, stream: StreamId, now: DateTime<Utc>) -> Result<Arc<Self>> {
        let (settings, named) = try_join!(
            settings_get(&mongo, stream),
            log_named(&mongo, stream, now - LOOK_BACK)
        )?;
        Ok(Arc::new(Self { settings, named }))
    }

    fn may_name(&self, user: UserId) -> bool {
        self.named.as_ref().is_none_or(|named| named.contains(&user))
    }
}

/// What a room's lists say of somebody, as stored.
#[derive(Debug, Clone, Copy)]
struct Listed {
    moderator: bool,
    ban: Option<Ban>,
}

impl Places {
    /// Asks this store.
    #[must_use]
    pub fn new(mongo: Mongo, clock: Clock) -> Self {
        let people = |holds| Cache::builder().max_capacity(PEOPLE).time_to_live(holds).build();
        Self {
            mongo,
            clock,
            rules: Fresh::new(ROOMS),
            named: people(HOLDS),
            unnamed: people(HOLDS_UNNAMED),
        }
    }

    /// A room's rules.
    ///
    /// # Errors
    /// The store's.
    pub async fn rules(&self, stream: StreamId) -> Result<Arc<Rules>> {
        let asked = || Rules::read(self.mongo.clone(), stream, self.clock.now());
        self.rules.get(stream, asked).await
    }

    /// Somebody's standing in a room of this owner.
    ///
    /// # Errors
    /// The store's.
    pub async fn standing(&self, stream: StreamId, owner: UserId, user: &User) -> Result<Standing> {
        let place = self.place(stream, user.id).await?;
        Ok(Standing::of(user.id, user.role, owner, place))
    }

    /// What a room's lists say of somebody now.
    ///
    /// # Errors
    /// The store's.
    pub async fn place(&self, stream: StreamId, user: UserId) -> Result<Place> {
        let listed = self.listed(stream, user).await?;
        let now = self.clock.now();
        Ok(Place {
            moderator: listed.moderator,
            banned: listed.ban.is_some_and(|ban| ban.holds(now)),
        })
    }

    /// How long somebody may not speak, if not for good.
    ///
    /// # Errors
    /// The store's.
    pub async fn ban_left(&self, stream: StreamId, user: UserId) -> Result<Option<Duration>> {
        let now = self.clock.now();
        let listed = self.listed(stream, user).await?;
        Ok(listed.ban.and_then(|ban| ban.left(now)))
    }

    /// Forgets a room's rules, because they changed.
    pub async fn forget_rules(&self, stream: StreamId) {
        self.rules.forget(&stream).await;
    }

    /// Forgets what a room's lists say of somebody, because it changed, and the log now names them.
    pub async fn forget(&self, stream: StreamId, user: UserId) {
        self.named.invalidate(&(stream, user)).await;
        self.forget_rules(stream).await;
    }

    async fn listed(&self, stream: StreamId, user: UserId) -> Result<Listed> {
        let known = if self.rules(stream).await?.may_name(user) {
            &self.named
        } else {
            &self.unnamed
        };
        let asked = async {
            let (moderator, ban) = try_join!(
                moderator_exists(&self.mongo, stream, user),
                ban_get(&self.mongo, stream, user)
            )?;
            Ok(Listed { moderator, ban })
        };
        Ok(known.try_get_with((stream, user), asked).await?)
    }
}
