//! The gRPC service. Each method validates the request, checks the caller, calls the store once and responds.

mod accounts;
mod requests;
mod responses;
mod sessions;

use std::sync::Arc;

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

/// The limit of ids in one `GetUsers` request.
const MAX_USERS: usize = 100;
/// The limit of ids in one `FollowingIds` response.
const MAX_FOLLOWING: i64 = 1000;

const ALL: &[ServiceName] = &[Stream, Vod, Chat, Notification, Gateway];

/// The services that may call each method.
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

#[derive(Clone)]
pub struct Rpc {
    app: Arc<App>,
}

type RpcResult<T> = Result<Response<T>, Status>;

impl Rpc {
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    async fn list_follows(
        &self,
        request: ListFollowsRequest,
        direction: Direction,
    ) -> Result<ListFollowsResponse> {
        let page = proto::page::parse(request.page)?;
        let store = &self.app.store;
        let mut page = store
            .follow_page(user_id(request.user_id)?, direction, page)
            .await?;
        self.renew_urls(page.users.iter_mut().map(Summary::shown).collect())
            .await;
        Ok(page.into())
    }
}

fn respond<T>(result: Result<T>) -> RpcResult<T> {
    result.map(Response::new).map_err(IntoStatus::into_status)
}

/// Returns the user who makes the call, or the error for a guest.
fn signed_in<T>(request: &Request<T>) -> Result<UserId, Status> {
    Ok(Caller::of(request)?.user().map_err(IntoStatus::into_status)?.id)
}

#[tonic::async_trait]
impl AuthService for Rpc {
    async fn register(&self, request: Request<RegisterRequest>) -> RpcResult<SessionResponse> {
        let address = Caller::of(&request)?.client_address;
        respond(self.register(address, request.into_inner()).await)
    }

    async fn login(&self, request: Request<LoginRequest>) -> RpcResult<SessionResponse> {
        let address = Caller::of(&request)?.client_address;
        respond(self.login(address, request.into_inner()).await)
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> RpcResult<SessionResponse> {
        respond(self.refresh(request.into_inner()).await)
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> RpcResult<LogoutResponse> {
        let caller = Caller::of(&request)?;
        respond(self.logout(&caller).await.map(|()| LogoutResponse {}))
    }

    async fn change_password(&self, request: Request<ChangePasswordRequest>) -> RpcResult<SessionResponse> {
        let caller = Caller::of(&request)?;
        respond(self.change_password(&caller, request.into_inner()).await)
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> RpcResult<GetMeResponse> {
        let me = signed_in(&request)?;
        respond(self.me(me).await.map(|user| GetMeResponse { user: Some(user) }))
    }

    async fn get_profile(&self, request: Request<GetProfileRequest>) -> RpcResult<GetProfileResponse> {
        let viewer = Caller::of(&request)?.user.map(|user| user.id);
        respond(self.profile(&request.into_inner().username, viewer).await)
    }

    async fn get_users(&self, request: Request<GetUsersRequest>) -> RpcResult<GetUsersResponse> {
        respond(self.users(&request.into_inner().ids).await)
    }

    async fn update_profile(
        &self,
        request: Request<Streaming<UpdateProfileUpload>>,
    ) -> RpcResult<UpdateProfileResponse> {
        let me = signed_in(&request)?;
        let user = self.update_profile(me, request.into_inner()).await;
        respond(user.map(|user| UpdateProfileResponse { user: Some(user) }))
    }

    async fn delete_account(
        &self,
        request: Request<DeleteAccountRequest>,
    ) -> RpcResult<DeleteAccountResponse> {
        let me = signed_in(&request)?;
        let deleted = self.app.store.user_delete(me, self.app.clock.now()).await;
        respond(deleted.map(|()| DeleteAccountResponse {}))
    }

    async fn list_accounts(&self, request: Request<ListAccountsRequest>) -> RpcResult<ListAccountsResponse> {
        let me = signed_in(&request)?;
        respond(self.list_accounts(me, request.into_inner()).await)
    }

    async fn set_role(&self, request: Request<SetRoleRequest>) -> RpcResult<AccountResponse> {
        let me = signed_in(&request)?;
        respond(self.set_role(me, request.into_inner()).await)
    }

    async fn ban(&self, request: Request<BanRequest>) -> RpcResult<AccountResponse> {
        let me = signed_in(&request)?;
        respond(self.ban(me, request.into_inner()).await)
    }

    async fn unban(&self, request: Request<UnbanRequest>) -> RpcResult<AccountResponse> {
        let me = signed_in(&request)?;
        respond(self.unban(me, request.into_inner()).await)
    }

    async fn follow(&self, request: Request<FollowRequest>) -> RpcResult<FollowResponse> {
        let me = signed_in(&request)?;
        let other = user_id(request.into_inner().user_id).map_err(IntoStatus::into_status)?;
        let since = self.app.store.follow_add(me, other).await;
        respond(since.map(|since| FollowResponse {
            followed_at: Some(timestamp(since)),
        }))
    }

    async fn unfollow(&self, request: Request<UnfollowRequest>) -> RpcResult<UnfollowResponse> {
        let me = signed_in(&request)?;
        let other = user_id(request.into_inner().user_id).map_err(IntoStatus::into_status)?;
        respond(
            self.app
                .store
                .follow_remove(me, other)
                .await
                .map(|()| UnfollowResponse {}),
        )
    }

    async fn check_follow(&self, request: Request<CheckFollowRequest>) -> RpcResult<CheckFollowResponse> {
        let request = request.into_inner();
        let follower = user_id(request.follower_id).map_err(IntoStatus::into_status)?;
        let following = user_id(request.following_id).map_err(IntoStatus::into_status)?;
        let following = self.app.store.follow_exists(follower, following).await;
        respond(following.map(|following| CheckFollowResponse { following }))
    }

    async fn list_followers(&self, request: Request<ListFollowsRequest>) -> RpcResult<ListFollowsResponse> {
        respond(
            self.list_follows(request.into_inner(), Direction::Followers)
                .await,
        )
    }

    async fn list_following(&self, request: Request<ListFollowsRequest>) -> RpcResult<ListFollowsResponse> {
        respond(
            self.list_follows(request.into_inner(), Direction::Following)
                .await,
        )
    }

    async fn following_ids(&self, request: Request<FollowingIdsRequest>) -> RpcResult<FollowingIdsResponse> {
        let me = signed_in(&request)?;
        let ids = self.app.store.following_ids(me, MAX_FOLLOWING).await;
        respond(ids.map(|user_ids| FollowingIdsResponse { user_ids }))
    }

    async fn follower_page(&self, request: Request<FollowerPageRequest>) -> RpcResult<FollowerPageResponse> {
        let request = request.into_inner();
        let page = async {
            let user = user_id(request.user_id)?;
            self.app
                .store
                .follower_ids(user, after(request.after_follower_id)?, limit(request.limit)?)
                .await
        };
        respond(page.await.map(|(follower_ids, has_more)| FollowerPageResponse {
            follower_ids,
            has_more,
        }))
    }

    async fn key_set(&self, _: Request<KeySetRequest>) -> RpcResult<KeySetResponse> {
        respond(Ok(responses::key_set(self.app.keys.key_set())))
    }

    async fn revocations_since(
        &self,
        request: Request<RevocationsSinceRequest>,
    ) -> RpcResult<RevocationsSinceResponse> {
        let page = self
            .app
            .store
            .revocations_since(&request.into_inner().cursor)
            .await;
        respond(page.map(|(revocations, cursor)| RevocationsSinceResponse {
            revocations: revocations.into_iter().map(responses::revocation).collect(),
            cursor,
        }))
    }

    async fn snapshot(&self, request: Request<SnapshotRequest>) -> RpcResult<SnapshotResponse> {
        let request = request.into_inner();
        let page = async {
            let page = self
                .app
                .store
                .user_snapshot(after(request.after_user_id)?, limit(request.limit)?);
            page.await
        };
        respond(page.await.map(|owners| SnapshotResponse {
            owners: owners.into_iter().map(Into::into).collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_lists_its_callers() {
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
