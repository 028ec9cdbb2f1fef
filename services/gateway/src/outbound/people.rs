//! Names and avatars of users, joined to rows of other services: one batched call for a whole answer, and a
//! short cache.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use moka::future::Cache;
use primitives::UserId;
use proto::CallContext;
use proto::auth::v1::{GetUsersRequest, UserSummary};
use serde::Serialize;
use utoipa::ToSchema;

use crate::outbound::peers::{Answer, Peers};

/// An event removes a changed name at once; this bounds the age of a name whose event was missed.
const CACHE_TTL: Duration = Duration::from_secs(30);
const MAX_CACHED: u64 = 50_000;
/// Ids in one call.
const BATCH: usize = 100;

/// A user in a list, or next to what they own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) display_name: String,
    pub(crate) avatar_url: Option<String>,
}

impl From<UserSummary> for Person {
    fn from(user: UserSummary) -> Self {
        Self {
            id: user.id,
            username: user.username,
            display_name: user.display_name,
            avatar_url: user.avatar_url,
        }
    }
}

impl Person {
    /// Returns the owner of a row; while auth is unavailable, with the row's own copy of the names.
    pub(crate) fn owner(people: &Found, id: i64, username: String, display_name: String) -> Self {
        people.get(&id).cloned().unwrap_or(Self {
            id,
            username,
            display_name,
            avatar_url: None,
        })
    }
}

/// People by id.
pub(crate) type Found = HashMap<i64, Person>;

/// Finds people by id. Clones share the cache.
#[derive(Clone)]
pub(crate) struct People {
    peers: Peers,
    cache: Cache<i64, Person>,
}

impl People {
    pub(crate) fn new(peers: Peers) -> Self {
        let cache = Cache::builder()
            .max_capacity(MAX_CACHED)
            .time_to_live(CACHE_TTL)
            .build();
        Self { peers, cache }
    }

    /// Returns the people who exist. While auth is unavailable, unknown people are missing: rows with their
    /// own copies of names are better than no answer.
    pub(crate) async fn of(&self, ids: impl IntoIterator<Item = i64>, context: &CallContext) -> Found {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        for id in ids.into_iter().collect::<HashSet<_>>() {
            match self.cache.get(&id).await {
                Some(person) => _ = found.insert(id, person),
                None => missing.push(id),
            }
        }
        for batch in missing.chunks(BATCH) {
            let request = GetUsersRequest { ids: batch.to_vec() };
            match self.peers.auth(context).get_users(request).await.answer() {
                Ok(answer) => {
                    for person in answer.users.into_iter().map(Person::from) {
                        self.cache.insert(person.id, person.clone()).await;
                        found.insert(person.id, person);
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot join names to an answer"),
            }
        }
        found
    }

    /// Drops a person whose name or avatar changed from the cache.
    pub(crate) async fn forget(&self, id: UserId) {
        self.cache.invalidate(&id.0).await;
    }
}
