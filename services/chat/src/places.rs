//! What holds in a room, and for whom: its rules, its bans, its moderators, remembered for a second. A change is seen at once by the
//! replica that made it, and within a second by the others.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, StreamId, UserId};
use identity::User;
use moka::future::Cache;
use storage::Mongo;
use tokio::try_join;

use crate::domain::{Ban, Place, Settings, Standing};
use crate::error::{Error, Result};
use crate::store::bans::ban_get;
use crate::store::moderators::moderator_exists;
use crate::store::settings::settings_get;

/// How long an answer holds.
const HOLDS: Duration = Duration::from_secs(1);
/// Rooms remembered at once; each may have 200 words.
const ROOMS: u64 = 2_000;
/// People in rooms remembered at once.
const PEOPLE: u64 = 100_000;

/// Knows rules and lists of rooms.
pub struct Places {
    mongo: Mongo,
    clock: Clock,
    settings: Cache<StreamId, Arc<Settings>>,
    people: Cache<(StreamId, UserId), Listed>,
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
        Self {
            mongo,
            clock,
            settings: Cache::builder().max_capacity(ROOMS).time_to_live(HOLDS).build(),
            people: Cache::builder().max_capacity(PEOPLE).time_to_live(HOLDS).build(),
        }
    }

    /// A room's rules.
    ///
    /// # Errors
    /// The store's.
    pub async fn settings(&self, stream: StreamId) -> Result<Arc<Settings>> {
        let asked = async { settings_get(&self.mongo, stream).await.map(Arc::new) };
        let settings = self.settings.try_get_with(stream, asked).await;
        settings.map_err(|error: Arc<Error>| (*error).clone())
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
    pub async fn forget_settings(&self, stream: StreamId) {
        self.settings.invalidate(&stream).await;
    }

    /// Forgets what a room's lists say of somebody, because it changed.
    pub async fn forget(&self, stream: StreamId, user: UserId) {
        self.people.invalidate(&(stream, user)).await;
    }

    async fn listed(&self, stream: StreamId, user: UserId) -> Result<Listed> {
        let asked = async {
            let (moderator, ban) = try_join!(
                moderator_exists(&self.mongo, stream, user),
                ban_get(&self.mongo, stream, user)
            )?;
            Ok(Listed { moderator, ban })
        };
        let listed = self.people.try_get_with((stream, user), asked).await;
        listed.map_err(|error: Arc<Error>| (*error).clone())
    }
}
