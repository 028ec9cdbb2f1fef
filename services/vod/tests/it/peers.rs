//! Fakes of the services that vod calls.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use identity::TestIssuer;
use proto::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use proto::auth::v1::{self as auth};
use proto::stream::v1::stream_service_server::{StreamService, StreamServiceServer};
use proto::stream::v1::{self as stream, CategoryCopy, RecordingOwner};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// The data of the peers, which tests change at run time.
#[derive(Clone, Default)]
pub(crate) struct FakePeers {
    pub(crate) recordings: Arc<Mutex<HashMap<String, RecordingOwner>>>,
    pub(crate) categories: Arc<Mutex<Vec<CategoryCopy>>>,
    pub(crate) owners: Arc<Mutex<Vec<auth::Owner>>>,
    keys: Arc<Mutex<Vec<auth::PublicKey>>>,
}

impl FakePeers {
    pub(crate) fn with_keys_of(issuer: &TestIssuer) -> Self {
        let known = Self::default();
        let keys = issuer.key_set();
        let message = |key: &identity::PublicKey| auth::PublicKey {
            kid: key.kid().to_owned(),
            key: key.as_bytes().to_vec(),
        };
        *known.keys.lock().unwrap() = keys.keys().iter().map(message).collect();
        known
    }

    /// Starts both on one port.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Server::builder()
            .add_service(StreamServiceServer::new(self.clone()))
            .add_service(AuthServiceServer::new(self.clone()));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }
}

macro_rules! peer {
    ($service:ident for $known:ident { $($answered:tt)* } unanswered { $($method:ident: $request:ty => $response:ty,)* }) => {
        #[tonic::async_trait]
        impl $service for $known {
            $($answered)*
            $(async fn $method(&self, _: Request<$request>) -> Result<Response<$response>, Status> {
                Err(Status::unimplemented("vod does not call this"))
            })*
        }
    };
}

peer! {
    StreamService for FakePeers {
        async fn resolve_recording(
            &self,
            request: Request<stream::ResolveRecordingRequest>,
        ) -> Result<Response<stream::ResolveRecordingResponse>, Status> {
            let owner = self.recordings.lock().unwrap().get(&request.into_inner().file_name).cloned();
            Ok(Response::new(stream::ResolveRecordingResponse { owner }))
        }

        async fn category_snapshot(
            &self,
            _: Request<stream::CategorySnapshotRequest>,
        ) -> Result<Response<stream::CategorySnapshotResponse>, Status> {
            let categories = self.categories.lock().unwrap().clone();
            Ok(Response::new(stream::CategorySnapshotResponse { categories }))
        }
    }
    unanswered {
        create_stream: Streaming<stream::CreateStreamUpload> => stream::CreateStreamResponse,
        get_stream: stream::GetStreamRequest => stream::GetStreamResponse,
        list_streams: stream::ListStreamsRequest => stream::ListStreamsResponse,
        update_stream: Streaming<stream::UpdateStreamUpload> => stream::UpdateStreamResponse,
        delete_stream: stream::DeleteStreamRequest => stream::DeleteStreamResponse,
        rotate_key: stream::RotateKeyRequest => stream::RotateKeyResponse,
        stop_stream: stream::StopStreamRequest => stream::StopStreamResponse,
        list_broadcasts: stream::ListBroadcastsRequest => stream::ListBroadcastsResponse,
        list_categories: stream::ListCategoriesRequest => stream::ListCategoriesResponse,
        get_category: stream::GetCategoryRequest => stream::GetCategoryResponse,
        create_category: Streaming<stream::CreateCategoryUpload> => stream::CreateCategoryResponse,
        update_category: Streaming<stream::UpdateCategoryUpload> => stream::UpdateCategoryResponse,
        delete_category: stream::DeleteCategoryRequest => stream::DeleteCategoryResponse,
        get_room: stream::GetRoomRequest => stream::GetRoomResponse,
        renew_viewers: stream::RenewViewersRequest => stream::RenewViewersResponse,
        release_viewers: stream::ReleaseViewersRequest => stream::ReleaseViewersResponse,
    }
}

peer! {
    AuthService for FakePeers {
        async fn key_set(&self, _: Request<auth::KeySetRequest>) -> Result<Response<auth::KeySetResponse>, Status> {
            Ok(Response::new(auth::KeySetResponse { keys: self.keys.lock().unwrap().clone() }))
        }

        async fn revocations_since(
            &self,
            _: Request<auth::RevocationsSinceRequest>,
        ) -> Result<Response<auth::RevocationsSinceResponse>, Status> {
            Ok(Response::new(auth::RevocationsSinceResponse { revocations: Vec::new(), cursor: "1".into() }))
        }

        async fn snapshot(&self, request: Request<auth::SnapshotRequest>) -> Result<Response<auth::SnapshotResponse>, Status> {
            let after = request.into_inner().after_user_id;
            let owners = self.owners.lock().unwrap().iter().filter(|owner| owner.id > after).cloned().collect();
            Ok(Response::new(auth::SnapshotResponse { owners }))
        }
    }
    unanswered {
        register: auth::RegisterRequest => auth::SessionResponse,
        login: auth::LoginRequest => auth::SessionResponse,
        refresh: auth::RefreshRequest => auth::SessionResponse,
        logout: auth::LogoutRequest => auth::LogoutResponse,
        change_password: auth::ChangePasswordRequest => auth::SessionResponse,
        update_profile: Streaming<auth::UpdateProfileUpload> => auth::UpdateProfileResponse,
        delete_account: auth::DeleteAccountRequest => auth::DeleteAccountResponse,
        list_accounts: auth::ListAccountsRequest => auth::ListAccountsResponse,
        set_role: auth::SetRoleRequest => auth::AccountResponse,
        ban: auth::BanRequest => auth::AccountResponse,
        unban: auth::UnbanRequest => auth::AccountResponse,
        following_ids: auth::FollowingIdsRequest => auth::FollowingIdsResponse,
        get_me: auth::GetMeRequest => auth::GetMeResponse,
        get_profile: auth::GetProfileRequest => auth::GetProfileResponse,
        get_users: auth::GetUsersRequest => auth::GetUsersResponse,
        follow: auth::FollowRequest => auth::FollowResponse,
        unfollow: auth::UnfollowRequest => auth::UnfollowResponse,
        check_follow: auth::CheckFollowRequest => auth::CheckFollowResponse,
        list_followers: auth::ListFollowsRequest => auth::ListFollowsResponse,
        list_following: auth::ListFollowsRequest => auth::ListFollowsResponse,
        follower_page: auth::FollowerPageRequest => auth::FollowerPageResponse,
    }
}
