//! Follows, for rooms that are followers-only.

use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use primitives::UserId;
use proto::Peer;

use crate::error::Result;
use crate::outbound::auth::check_follow;

const FOLLOW_TTL: Duration = Duration::from_secs(30);
/// Short, since a user may follow in order to send a message.
const NO_FOLLOW_TTL: Duration = Duration::from_secs(3);
const MAX_ENTRIES: u64 = 100_000;

pub struct FollowCache {
    auth: Peer,
    /// Keyed by follower and followed user.
    follows: Cache<(UserId, UserId), bool>,
}

impl FollowCache {
    #[must_use]
    pub fn new(auth: Peer) -> Self {
        let follows = Cache::builder()
            .max_capacity(MAX_ENTRIES)
            .expire_after(FollowExpiry)
            .build();
        Self { auth, follows }
    }

    /// Returns whether `follower` follows `following`.
    ///
    /// # Errors
    /// Unavailable, if neither the cache nor auth knows: permission to send is never guessed.
    pub async fn follows(&self, follower: UserId, following: UserId) -> Result<bool> {
        let asked = self.follows.try_get_with(
            (follower, following),
            check_follow(&self.auth, follower, following),
        );
        Ok(asked.await?)
    }
}

struct FollowExpiry;

impl Expiry<(UserId, UserId), bool> for FollowExpiry {
    fn expire_after_create(&self, _: &(UserId, UserId), follows: &bool, _: Instant) -> Option<Duration> {
        Some(if *follows { FOLLOW_TTL } else { NO_FOLLOW_TTL })
    }
}
