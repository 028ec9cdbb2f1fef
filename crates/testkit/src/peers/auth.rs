//! A fake auth service.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use identity::{KeySet, TestIssuer};
use proto::auth::v1::{
    CheckFollowRequest, CheckFollowResponse, FollowerPageRequest, FollowerPageResponse, KeySetRequest,
    KeySetResponse, Owner, PublicKey, Revocation, RevocationsSinceRequest, RevocationsSinceResponse,
    SnapshotRequest, SnapshotResponse,
};
use tonic::{Request, Response};

use super::check_available;
use crate::grpc::{AuthService, Reply};

/// Serves the key of a [`TestIssuer`], followers and owners. Clones share their data.
#[derive(Clone)]
pub struct FakeAuth(Arc<State>);

struct State {
    keys: KeySet,
    revocations: Mutex<Vec<Revocation>>,
    /// The followers of each user.
    followers: Mutex<HashMap<i64, BTreeSet<i64>>>,
    owners: Mutex<Vec<Owner>>,
    /// Pages after this follower fail.
    last_follower: AtomicI64,
    follower_pages: AtomicUsize,
    follow_checks: AtomicUsize,
    unavailable: AtomicBool,
}

impl FakeAuth {
    #[must_use]
    pub fn new(issuer: &TestIssuer) -> Self {
        Self(Arc::new(State {
            keys: issuer.key_set(),
            revocations: Mutex::default(),
            followers: Mutex::default(),
            owners: Mutex::default(),
            last_follower: AtomicI64::new(i64::MAX),
            follower_pages: AtomicUsize::new(0),
            follow_checks: AtomicUsize::new(0),
            unavailable: AtomicBool::new(false),
        }))
    }

    pub fn add_followers(&self, user: i64, followers: impl IntoIterator<Item = i64>) {
        let mut all = self.0.followers.lock().unwrap();
        all.entry(user).or_default().extend(followers);
    }

    /// Adds an owner to the snapshot.
    pub fn add_owner(&self, owner: Owner) {
        self.0.owners.lock().unwrap().push(owner);
    }

    pub fn revoke(&self, revocation: Revocation) {
        self.0.revocations.lock().unwrap().push(revocation);
    }

    /// Makes pages of followers after this one fail.
    pub fn fail_after_follower(&self, follower: i64) {
        self.0.last_follower.store(follower, Ordering::SeqCst);
    }

    pub fn set_unavailable(&self, unavailable: bool) {
        self.0.unavailable.store(unavailable, Ordering::SeqCst);
    }

    /// Returns the number of `FollowerPage` requests.
    #[must_use]
    pub fn follower_pages(&self) -> usize {
        self.0.follower_pages.load(Ordering::SeqCst)
    }

    /// Returns the number of `CheckFollow` requests.
    #[must_use]
    pub fn follow_checks(&self) -> usize {
        self.0.follow_checks.load(Ordering::SeqCst)
    }
}

#[tonic::async_trait]
impl AuthService for FakeAuth {
    async fn key_set(&self, _: Request<KeySetRequest>) -> Reply<KeySetResponse> {
        Ok(Response::new(key_set(&self.0.keys)))
    }

    async fn revocations_since(
        &self,
        request: Request<RevocationsSinceRequest>,
    ) -> Reply<RevocationsSinceResponse> {
        let all = self.0.revocations.lock().unwrap();
        Ok(Response::new(revocations_since(&all, &request.into_inner())))
    }

    async fn follower_page(&self, request: Request<FollowerPageRequest>) -> Reply<FollowerPageResponse> {
        let request = request.into_inner();
        self.0.follower_pages.fetch_add(1, Ordering::SeqCst);
        let failing = request.after_follower_id >= self.0.last_follower.load(Ordering::SeqCst);
        check_available(failing || self.0.unavailable.load(Ordering::SeqCst))?;
        let limit = usize::try_from(request.limit).unwrap();
        let followers = self.0.followers.lock().unwrap();
        let all = followers.get(&request.user_id).into_iter().flatten().copied();
        let after = all.filter(|id| *id > request.after_follower_id);
        // One more than the limit shows whether there is another page.
        let mut follower_ids: Vec<i64> = after.take(limit + 1).collect();
        let has_more = follower_ids.len() > limit;
        follower_ids.truncate(limit);
        Ok(Response::new(FollowerPageResponse {
            follower_ids,
            has_more,
        }))
    }

    async fn check_follow(&self, request: Request<CheckFollowRequest>) -> Reply<CheckFollowResponse> {
        self.0.follow_checks.fetch_add(1, Ordering::SeqCst);
        check_available(self.0.unavailable.load(Ordering::SeqCst))?;
        let request = request.into_inner();
        let followers = self.0.followers.lock().unwrap();
        let followers = followers.get(&request.following_id);
        Ok(Response::new(CheckFollowResponse {
            following: followers.is_some_and(|ids| ids.contains(&request.follower_id)),
        }))
    }

    async fn snapshot(&self, request: Request<SnapshotRequest>) -> Reply<SnapshotResponse> {
        let request = request.into_inner();
        let limit = usize::try_from(request.limit).unwrap();
        let owners = self.0.owners.lock().unwrap();
        let after = owners.iter().filter(|owner| owner.id > request.after_user_id);
        Ok(Response::new(SnapshotResponse {
            owners: after.take(limit).cloned().collect(),
        }))
    }
}

/// Returns the response to `KeySet`.
#[must_use]
pub fn key_set(keys: &KeySet) -> KeySetResponse {
    let keys = keys.keys().iter().map(|key| PublicKey {
        kid: key.kid().to_owned(),
        key: key.as_bytes().to_vec(),
    });
    KeySetResponse { keys: keys.collect() }
}

/// Returns the response to `RevocationsSince`. The cursor is the number of revocations that the client has.
#[must_use]
pub fn revocations_since(all: &[Revocation], request: &RevocationsSinceRequest) -> RevocationsSinceResponse {
    let known = request.cursor.parse().unwrap_or(0);
    RevocationsSinceResponse {
        revocations: all.iter().skip(known).cloned().collect(),
        cursor: all.len().to_string(),
    }
}
