//! Names and pictures of people, joined to rows of other services: one batched question for a whole answer,
//! and a short memory.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use moka::future::Cache;
use primitives::UserId;
use proto::CallContext;
use proto::auth::v1::{GetUsersRequest, UserSummary};

use crate::outbound::peers::{Answer, Peers};

/// How long a name may be old. A change is heard as an event and forgets the name at once; this bounds what
/// was not heard.
const MEMORY: Duration = Duration::from_secs(30);
const MOST: u64 = 50_000;
/// Ids in one question.
const BATCH: usize = 100;

/// Looks people up. Clones share the memory.
#[derive(Clone)]
pub(crate) struct People {
    peers: Peers,
    known: Cache<i64, UserSummary>,
}

impl People {
    pub(crate) fn new(peers: Peers) -> Self {
        let known = Cache::builder().max_capacity(MOST).time_to_live(MEMORY).build();
        Self { peers, known }
    }

    /// Those of the people that are known. When auth is away the rows go without: a list with its copies of
    /// names is better than none.
    pub(crate) async fn of(
        &self,
        ids: impl IntoIterator<Item = i64>,
        context: &CallContext,
    ) -> HashMap<i64, UserSummary> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        for id in ids.into_iter().collect::<HashSet<_>>() {
            match self.known.get(&id).await {
                Some(person) => _ = found.insert(id, person),
                None => missing.push(id),
            }
        }
        for batch in missing.chunks(BATCH) {
            let request = GetUsersRequest { ids: batch.to_vec() };
            match self.peers.auth(context).get_users(request).await.answer() {
                Ok(answer) => {
                    for person in answer.users {
                        self.known.insert(person.id, person.clone()).await;
                        found.insert(person.id, person);
                    }
                }
                Err(error) => tracing::warn!(%error, "names are missing in an answer"),
            }
        }
        found
    }

    /// Forgets a person whose name or picture changed.
    pub(crate) async fn forget(&self, id: UserId) {
        self.known.invalidate(&id.0).await;
    }
}
