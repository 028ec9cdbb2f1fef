//! The auth service, asked whether somebody follows the owner of a room that only followers may speak in.

use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use primitives::UserId;
use proto::auth::v1::CheckFollowRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::{CallContext, Peer, error_from_status};

use crate::error::Result;

/// How long the answer may take.
const DEADLINE: Duration = Duration::from_secs(1);
/// How long a follow holds.
const FOLLOWS: Duration = Duration::from_secs(30);
/// Who does not follow may do so in a moment, to speak, and should not wait for long.
const FOLLOWS_NOT: Duration = Duration::from_secs(3);
/// Answers remembered at once.
const ANSWERS: u64 = 100_000;

/// Knows who follows whom, as the auth service said a moment ago.
pub struct Follows {
    auth: Peer,
    answers: Cache<(UserId, UserId), bool>,
}

impl Follows {
    /// Asks this service.
    #[must_use]
    pub fn new(auth: Peer) -> Self {
        let answers = Cache::builder()
            .max_capacity(ANSWERS)
            .expire_after(Memory)
            .build();
        Self { auth, answers }
    }

    /// Whether one user follows another.
    ///
    /// # Errors
    /// Unavailability when it is not known: who may speak is not guessed.
    pub async fn follows(&self, follower: UserId, following: UserId) -> Result<bool> {
        let asked = self
            .answers
            .try_get_with((follower, following), self.ask(follower, following));
        Ok(asked.await?)
    }

    async fn ask(&self, follower: UserId, following: UserId) -> Result<bool> {
        let mut client = AuthServiceClient::new(self.auth.with(&CallContext::background(DEADLINE)));
        let request = CheckFollowRequest {
            follower_id: follower.0,
            following_id: following.0,
        };
        match client.check_follow(request).await {
            Ok(answer) => Ok(answer.into_inner().following),
            Err(status) => Err(error_from_status(&status).into()),
        }
    }
}

/// How long each answer is remembered.
struct Memory;

impl Expiry<(UserId, UserId), bool> for Memory {
    fn expire_after_create(&self, _: &(UserId, UserId), follows: &bool, _: Instant) -> Option<Duration> {
        Some(if *follows { FOLLOWS } else { FOLLOWS_NOT })
    }
}
