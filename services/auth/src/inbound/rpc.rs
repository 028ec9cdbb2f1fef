//! The gRPC service: parse, who is asking, one call of the store, answer.

mod accounts;
mod answers;
mod requests;
mod sessions;

use identity::ServiceName::{self, Chat, Gateway, Notification, Stream, Vod};
use primitives::UserId;
use proto::auth::v1::auth_service_server::AuthService;
use proto::auth::v1::{
    AccountResponse, BanRequest, ChangePasswordRequest, CheckFollowRequest, CheckFollowResponse,
    DeleteAccountRequest, DeleteAccountResponse, FollowRequest, FollowResponse, FollowerPageRequest,
    FollowerPageResponse, FollowingIdsRequest, FollowingIdsResponse, GetMeRequest, GetMeResponse,
    GetProfileRequest, GetProfileResponse, GetUsersRequest, GetUsersResponse, KeySetRequest, KeySetResponse,
    ListAccountsRequest, ListAccountsResponse, ListFollowsRequest, ListFollowsResponse, LoginRequest,
    LogoutRequest, LogoutResponse, RefreshRequest, RegisterRequest, RevocationsSinceRequest,
    RevocationsSinceResponse, SessionResponse, SetRoleRequest, SnapshotRequest, SnapshotResponse,
    UnbanRequest, UnfollowRequest, UnfollowResponse, UpdateProfileResponse, UpdateProfileUpload,
};
use proto::time::timestamp;
use proto::{Caller, IntoStatus};
use requests::{after, limit, user_id};
use tonic::{Request, Response, Status, Streaming};

use crate::app::App;
use crate::error::Result;
use crate::store::{Direction, Summary};

/// Most ids in one question for names.
const MAX_USERS: usize = 100;
/// Most ids in an answer about those whom somebody follows.
const MAX_FOLLOWING: i64 = 1000;

const ALL: &[ServiceName] = &[Stream, Vod, Chat, Notification, Gateway];

/// Which services may call each method.
pub const CALLERS: &[(&str, &[ServiceName])] = &[
    ("Register", &[Gateway]),
    ("Login", &[Gateway]),
    ("Refresh", &[Gateway]),
    ("Logout", &[Gateway]),
    ("ChangePassword", &[Gateway]),
    ("GetMe", &[Gateway]),
    ("GetProfile", &[Gateway]),
    ("GetUsers", ALL),
    ("UpdateProfile", &[Gateway]),
    ("DeleteAccount", &[Gateway]),
    ("ListAccounts", &[Gateway]),
    ("SetRole", &[Gateway]),
    ("Ban", &[Gateway]),
    ("Unban", &[Gateway]),
    ("Follow", &[Gateway]),
    ("Unfollow", &[Gateway]),
    ("CheckFollow", &[Gateway, Chat]),
    ("ListFollowers", &[Gateway]),
    ("ListFollowing", &[Gateway]),
    ("FollowingIds", &[Gateway]),
    ("FollowerPage", &[Notification]),
    ("KeySet", ALL),
    ("RevocationsSince", ALL),
    ("Snapshot", ALL),
];

/// The service as its peers call it.
#[derive(Clone)]
pub struct Rpc {
    app: App,
}

type Answer<T> = Result<Response<T>, Status>;

impl Rpc {
    /// The service of an app.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }

    async fn list(&self, request: ListFollowsRequest, direction: Direction) -> Result<ListFollowsResponse> {
        let page = proto::page::parse(request.page)?;
        let store = &self.app.store;
        let mut page = store
            .follow_page(user_id(request.user_id)?, direction, page)
            .await?;
        self.freshen(page.users.iter_mut().map(Summary::shown).collect())
            .await;
        Ok(page.into())
    }
}

fn answer<T>(result: Result<T>) -> Answer<T> {
    result.map(Response::new).map_err(IntoStatus::into_status)
}

fn signed_in<T>(request: &Request<T>) -> Result<UserId, Status> {
    Ok(Caller::of(request)?.user().map_err(IntoStatus::into_status)?.id)
}

#[tonic::async_trait]
impl AuthService for Rpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Answer<SessionResponse> {
        let address = Caller::of(&request)?.client_address;
        answer(self.register(address, request.into_inner()).await)
    }

    async fn login(&self, request: Request<LoginRequest>) -> Answer<SessionResponse> {
        let address = Caller::of(&request)?.client_address;
        answer(self.login(address, request.into_inner()).await)
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> Answer<SessionResponse> {
        answer(self.refresh(request.into_inner()).await)
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Answer<LogoutResponse> {
        let caller = Caller::of(&request)?;
        answer(self.logout(&caller).await.map(|()| LogoutResponse {}))
    }

    async fn change_password(&self, request: Request<ChangePasswordRequest>) -> Answer<SessionResponse> {
        let caller = Caller::of(&request)?;
        answer(self.password(&caller, request.into_inner()).await)
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Answer<GetMeResponse> {
        let me = signed_in(&request)?;
        answer(self.me(me).await.map(|user| GetMeResponse { user: Some(user) }))
    }

    async fn get_profile(&self, request: Request<GetProfileRequest>) -> Answer<GetProfileResponse> {
        let viewer = Caller::of(&request)?.user.map(|user| user.id);
        answer(self.profile(&request.into_inner().username, viewer).await)
    }

    async fn get_users(&self, request: Request<GetUsersRequest>) -> Answer<GetUsersResponse> {
        answer(self.users(&request.into_inner().ids).await)
    }

    async fn update_profile(
        &self,
        request: Request<Streaming<UpdateProfileUpload>>,
    ) -> Answer<UpdateProfileResponse> {
        let me = signed_in(&request)?;
        let user = self.update(me, request.into_inner()).await;
        answer(user.map(|user| UpdateProfileResponse { user: Some(user) }))
    }

    async fn delete_account(&self, request: Request<DeleteAccountRequest>) -> Answer<DeleteAccountResponse> {
        let me = signed_in(&request)?;
        let deleted = self.app.store.user_delete(me, self.app.clock.now()).await;
        answer(deleted.map(|()| DeleteAccountResponse {}))
    }

    async fn list_accounts(&self, request: Request<ListAccountsRequest>) -> Answer<ListAccountsResponse> {
        let me = signed_in(&request)?;
        answer(self.accounts(me, request.into_inner()).await)
    }

    async fn set_role(&self, request: Request<SetRoleRequest>) -> Answer<AccountResponse> {
        let me = signed_in(&request)?;
        answer(self.role(me, request.into_inner()).await)
    }

    async fn ban(&self, request: Request<BanRequest>) -> Answer<AccountResponse> {
        let me = signed_in(&request)?;
        answer(self.banned(me, request.into_inner()).await)
    }

    async fn unban(&self, request: Request<UnbanRequest>) -> Answer<AccountResponse> {
        let me = signed_in(&request)?;
        answer(self.unbanned(me, request.into_inner()).await)
    }

    async fn follow(&self, request: Request<FollowRequest>) -> Answer<FollowResponse> {
        let me = signed_in(&request)?;
        let other = user_id(request.into_inner().user_id).map_err(IntoStatus::into_status)?;
        let since = self.app.store.follow_add(me, other).await;
        answer(since.map(|since| FollowResponse {
            followed_at: Some(timestamp(since)),
        }))
    }

    async fn unfollow(&self, request: Request<UnfollowRequest>) -> Answer<UnfollowResponse> {
        let me = signed_in(&request)?;
        let other = user_id(request.into_inner().user_id).map_err(IntoStatus::into_status)?;
        answer(
            self.app
                .store
                .follow_remove(me, other)
                .await
                .map(|()| UnfollowResponse {}),
        )
    }

    async fn check_follow(&self, request: Request<CheckFollowRequest>) -> Answer<CheckFollowResponse> {
        let request = request.into_inner();
        let follower = user_id(request.follower_id).map_err(IntoStatus::into_status)?;
        let following = user_id(request.following_id).map_err(IntoStatus::into_status)?;
        let following = self.app.store.follow_exists(follower, following).await;
        answer(following.map(|following| CheckFollowResponse { following }))
    }

    async fn list_followers(&self, request: Request<ListFollowsRequest>) -> Answer<ListFollowsResponse> {
        answer(self.list(request.into_inner(), Direction::Followers).await)
    }

    async fn list_following(&self, request: Request<ListFollowsRequest>) -> Answer<ListFollowsResponse> {
        answer(self.list(request.into_inner(), Direction::Following).await)
    }

    async fn following_ids(&self, request: Request<FollowingIdsRequest>) -> Answer<FollowingIdsResponse> {
        let me = signed_in(&request)?;
        let ids = self.app.store.following_ids(me, MAX_FOLLOWING).await;
        answer(ids.map(|user_ids| FollowingIdsResponse { user_ids }))
    }

    async fn follower_page(&self, request: Request<FollowerPageRequest>) -> Answer<FollowerPageResponse> {
        let request = request.into_inner();
        let page = async {
            let user = user_id(request.user_id)?;
            self.app
                .store
                .follower_ids(user, after(request.after_follower_id)?, limit(request.limit)?)
                .await
        };
        answer(page.await.map(|(follower_ids, has_more)| FollowerPageResponse {
            follower_ids,
            has_more,
        }))
    }

    async fn key_set(&self, _: Request<KeySetRequest>) -> Answer<KeySetResponse> {
        answer(Ok(answers::key_set(self.app.keys.key_set())))
    }

    async fn revocations_since(
        &self,
        request: Request<RevocationsSinceRequest>,
    ) -> Answer<RevocationsSinceResponse> {
        let news = self
            .app
            .store
            .revocations_since(&request.into_inner().cursor)
            .await;
        answer(news.map(|(revocations, cursor)| RevocationsSinceResponse {
            revocations: revocations.into_iter().map(answers::revocation).collect(),
            cursor,
        }))
    }

    async fn snapshot(&self, request: Request<SnapshotRequest>) -> Answer<SnapshotResponse> {
        let request = request.into_inner();
        let page = async {
            let page = self
                .app
                .store
                .user_snapshot(after(request.after_user_id)?, limit(request.limit)?);
            page.await
        };
        answer(page.await.map(|owners| SnapshotResponse {
            owners: owners.into_iter().map(Into::into).collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_says_who_may_call_it() {
        let proto = include_str!("../../../../proto/airwave/auth/v1/auth.proto");
        let methods = proto
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc ")?.split_once('('));
        let mut methods: Vec<_> = methods.map(|(name, _)| name).collect();
        let mut listed: Vec<_> = CALLERS.iter().map(|(name, _)| *name).collect();
        methods.sort_unstable();
        listed.sort_unstable();
        assert_eq!(methods, listed);
    }
}
