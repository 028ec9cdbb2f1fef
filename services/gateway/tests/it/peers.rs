//! Stand-ins for the five services: they keep what the tests need in memory and remember what they were
//! asked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bus::Realtime;
use identity::{ServiceName, ServiceTokens, User, Verifier};
use primitives::{Error, ErrorKind, text};
use proto::IntoStatus;
use proto::auth::v1 as auth;
use proto::auth::v1::auth_service_server::AuthService;
use proto::chat::v1 as chat;
use proto::chat::v1::chat_service_server::ChatService;
use proto::chat::v1::list_messages_request::From as Start;
use proto::common::v1::PageInfo;
use proto::events::v1::ChatMessagesPosted;
use proto::events::v1::realtime::Message as Pushed;
use proto::notification::v1 as notification;
use proto::notification::v1::notification_service_server::NotificationService;
use proto::stream::v1 as stream;
use proto::stream::v1::stream_service_server::StreamService;
use proto::upload::{Part, UploadMessage, next_part, read_in_memory};
use proto::vod::v1 as vod;
use proto::vod::v1::vod_service_server::VodService;
use tonic::{Request, Response, Status, Streaming};

/// The name that is taken, and the one whose owner may not do things.
pub(crate) const TAKEN: &str = "taken";

/// The id of no account; that of an admin is 99.
pub(crate) const NOBODY: i64 = 404;

/// The id of no VOD.
pub(crate) const MISSING: i64 = 404;

/// What the stand-ins hold. Clones share it.
#[derive(Clone)]
pub(crate) struct Peers {
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) realtime: Arc<Mutex<Option<Realtime>>>,
    verifier: Verifier,
    tokens: ServiceTokens,
    keys: auth::KeySetResponse,
}

#[derive(Default)]
pub(crate) struct State {
    /// Streams and whether they are live, with the row's version.
    pub(crate) rooms: BTreeMap<i64, Room>,
    pub(crate) messages: HashMap<i64, Vec<chat::Message>>,
    /// Stores messages without announcing them.
    pub(crate) silent: bool,
    /// Leases by stream and viewer, and how often each was renewed.
    pub(crate) leases: BTreeMap<(i64, String), u32>,
    pub(crate) renewals: usize,
    pub(crate) get_users_calls: usize,
    /// Client addresses and request ids that came along.
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) revocations: Vec<auth::Revocation>,
    pub(crate) settings: chat::Settings,
    pub(crate) bans: Vec<chat::Ban>,
    /// Who may not speak, and what they are told.
    pub(crate) refusals: HashMap<i64, Error>,
    /// How long the stream service takes to say what it knows of a room, and the chat service to store a
    /// message.
    pub(crate) rooms_take: Duration,
    pub(crate) chat_takes: Duration,
    /// How often a message was to be stored.
    pub(crate) chats_asked: usize,
    /// Every call of the stream service fails.
    pub(crate) stream_away: bool,
    /// How often a VOD was asked for.
    pub(crate) vods_asked: u64,
    /// Views that were to be counted.
    pub(crate) seen: BTreeSet<(i64, String)>,
    /// Files that came along.
    pub(crate) files: Vec<Vec<u8>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) live: bool,
    pub(crate) version: i64,
}

impl Peers {
    pub(crate) fn new(verifier: Verifier, tokens: ServiceTokens, keys: &identity::KeySet) -> Self {
        let key = |key: &identity::PublicKey| auth::PublicKey {
            kid: key.kid().to_owned(),
            key: key.as_bytes().to_vec(),
        };
        let keys = auth::KeySetResponse {
            keys: keys.keys().iter().map(key).collect(),
        };
        Self {
            state: Arc::default(),
            realtime: Arc::default(),
            verifier,
            tokens,
            keys,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Serves all five; returns where.
    pub(crate) async fn serve(&self) -> runtime::PeerUrl {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = tonic::transport::Server::builder()
            .add_service(auth::auth_service_server::AuthServiceServer::new(self.clone()))
            .add_service(stream::stream_service_server::StreamServiceServer::new(
                self.clone(),
            ))
            .add_service(vod::vod_service_server::VodServiceServer::new(self.clone()))
            .add_service(chat::chat_service_server::ChatServiceServer::new(self.clone()))
            .add_service(
                notification::notification_service_server::NotificationServiceServer::new(self.clone()),
            );
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        tokio::spawn(router.serve_with_incoming(incoming));
        address.into()
    }

    /// Refuses callers that are not the gateway; answers the user for whom it calls.
    fn caller<T>(&self, request: &Request<T>) -> Result<Option<User>, Status> {
        let text = |name: &str| {
            request
                .metadata()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        assert_eq!(
            self.tokens.verify(text("x-airwave-service")),
            Ok(ServiceName::Gateway)
        );
        assert!(!text("grpc-timeout").is_empty(), "every call has a deadline");
        let came = (
            text("x-airwave-client-address").to_owned(),
            text("x-request-id").to_owned(),
        );
        self.state().metadata.push(came);
        match text("authorization").strip_prefix("Bearer ") {
            None => Ok(None),
            Some(token) => Ok(Some(
                self.verifier.verify(token).map_err(IntoStatus::into_status)?,
            )),
        }
    }

    async fn upload<M: UploadMessage>(&self, messages: &mut Streaming<M>) -> Result<M::Request, Status> {
        let (file, request) = read_in_memory(messages, 100 << 20)
            .await
            .map_err(IntoStatus::into_status)?;
        self.state().files.push(file);
        Ok(request)
    }

    fn user<T>(&self, request: &Request<T>) -> Result<User, Status> {
        self.caller(request)?
            .ok_or_else(|| Error::unauthenticated().into_status())
    }

    /// Refuses everybody but the owner of all streams.
    fn moderator<T>(&self, request: &Request<T>) -> Result<User, Status> {
        let user = self.user(request)?;
        if user.id.0 == 7 {
            Ok(user)
        } else {
            Err(forbidden("chat.not_allowed"))
        }
    }

    fn room(&self, id: i64) -> Result<Room, Status> {
        let state = self.state();
        if state.stream_away {
            return Err(Status::unavailable("tcp connect error: 10.1.2.3:7002"));
        }
        state
            .rooms
            .get(&id)
            .copied()
            .ok_or_else(|| not_found("stream.not_found", "There is no such stream."))
    }

    /// Stores a message, as the chat service would.
    pub(crate) fn post(&self, stream_id: i64, user: &User, message: &str) -> chat::Message {
        let mut state = self.state();
        let messages = state.messages.entry(stream_id).or_default();
        let seq = i64::try_from(messages.len()).unwrap() + 1;
        let message = chat::Message {
            id: format!("m-{seq}"),
            stream_id,
            seq,
            user_id: user.id.0,
            username: user.username.clone(),
            message: message.to_owned(),
            timestamp: Some(now()),
            deleted: false,
        };
        messages.push(message.clone());
        message
    }

    /// Announces a message, as the chat service would.
    pub(crate) fn announce(&self, message: &chat::Message) {
        self.announce_together(std::slice::from_ref(message));
    }

    /// Announces messages of a room that were stored together.
    pub(crate) fn announce_together(&self, messages: &[chat::Message]) {
        let stream_id = messages.first().unwrap().stream_id;
        let posted = ChatMessagesPosted {
            stream_id,
            messages: messages.to_vec(),
        };
        self.push(
            Realtime::stream_key(stream_id),
            Pushed::ChatMessagesPosted(posted),
        );
    }

    /// Sends a realtime message.
    pub(crate) fn push(&self, key: impl Into<String>, message: Pushed) {
        self.realtime
            .lock()
            .unwrap()
            .as_ref()
            .unwrap()
            .publish(key, message);
    }

    fn stream_row(&self, id: i64, owner: Option<&User>) -> Result<stream::Stream, Status> {
        let room = self.room(id)?;
        let status = if room.live {
            stream::StreamStatus::Live
        } else {
            stream::StreamStatus::Ended
        };
        Ok(stream::Stream {
            id,
            user_id: 7,
            title: "<b>A stream</b>".to_owned(),
            status: status.into(),
            viewer_count: 3,
            playback_urls: room.live.then(|| stream::PlaybackUrls {
                hls: "http://media/hls/x/index.m3u8".to_owned(),
                dash: "http://media/dash/x/index.mpd".to_owned(),
            }),
            stream_key: owner
                .filter(|user| user.id.0 == 7)
                .map(|_| "x?key=live_secret".to_owned()),
            username: "copied_name".to_owned(),
            created_at: Some(now()),
            ..stream::Stream::default()
        })
    }
}

fn now() -> prost_types::Timestamp {
    proto::time::timestamp(chrono::Utc::now())
}

fn not_found(code: &'static str, detail: &'static str) -> Status {
    Error::new(ErrorKind::NotFound, code, detail).into_status()
}

fn forbidden(code: &'static str) -> Status {
    Error::new(ErrorKind::Forbidden, code, "You may not do that.").into_status()
}

fn moderator(stream_id: i64, user_id: i64) -> chat::Moderator {
    chat::Moderator {
        stream_id,
        user_id,
        added_by: 7,
        created_at: Some(now()),
    }
}

fn summary(id: i64) -> auth::UserSummary {
    auth::UserSummary {
        id,
        username: format!("user_{id}"),
        display_name: format!("User {id}"),
        avatar_url: Some(format!("http://bucket/{id}.jpg")),
    }
}

fn account(id: i64, username: &str) -> auth::User {
    auth::User {
        id,
        username: username.to_owned(),
        display_name: username.to_owned(),
        role: auth::Role::User.into(),
        created_at: Some(now()),
        updated_at: Some(now()),
        ..auth::User::default()
    }
}

fn session(username: &str) -> auth::SessionResponse {
    auth::SessionResponse {
        user: Some(account(1, username)),
        access_token: "a.b.c".to_owned(),
        refresh_token: "r".to_owned(),
        expires_at: Some(now()),
    }
}

fn stream_started(user_id: i64) -> notification::Notification {
    notification::Notification {
        id: 1,
        user_id,
        r#type: "stream_started".to_owned(),
        message: "User 7 is live.".to_owned(),
        related_entity_id: 1,
        related_entity_type: "stream".to_owned(),
        created_at: Some(now()),
        actor_id: 7,
        subject: Some(notification::Subject {
            id: 1,
            title: "A stream".to_owned(),
        }),
        ..notification::Notification::default()
    }
}

fn one_page(total: u64) -> Option<PageInfo> {
    Some(PageInfo {
        total_items: Some(total),
        total_items_capped: false,
        next_cursor: "next".to_owned(),
    })
}

type Later<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'a>>;

/// Methods that no test needs, written as `async_trait` would write them: it does not see into macros.
macro_rules! unused {
    ($($method:ident($request:ty) -> $response:ty;)+) => {
        $(fn $method<'a, 'b>(&'a self, _: Request<$request>) -> Later<'b, $response>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($method))) })
        })+
    };
}

#[tonic::async_trait]
impl AuthService for Peers {
    async fn register(
        &self,
        request: Request<auth::RegisterRequest>,
    ) -> Result<Response<auth::SessionResponse>, Status> {
        self.caller(&request)?;
        let auth::RegisterRequest {
            username, password, ..
        } = request.into_inner();
        text::username(&username).map_err(IntoStatus::into_status)?;
        text::password(&password).map_err(IntoStatus::into_status)?;
        if username == TAKEN {
            return Err(
                Error::new(ErrorKind::Conflict, "auth.username_taken", "The name is taken.").into_status(),
            );
        }
        Ok(Response::new(session(&username)))
    }

    async fn login(
        &self,
        request: Request<auth::LoginRequest>,
    ) -> Result<Response<auth::SessionResponse>, Status> {
        self.caller(&request)?;
        let request = request.into_inner();
        if request.username == "throttled" {
            let error = Error::new(
                ErrorKind::RateLimited,
                "auth.too_many_attempts",
                "Too many attempts.",
            );
            return Err(error
                .retry_after(std::time::Duration::from_secs(30))
                .into_status());
        }
        if request.password == "wrong password" {
            let text = "The username or the password is wrong.";
            return Err(Error::new(ErrorKind::Unauthenticated, "auth.credentials_wrong", text).into_status());
        }
        Ok(Response::new(session(&request.username)))
    }

    async fn refresh(
        &self,
        request: Request<auth::RefreshRequest>,
    ) -> Result<Response<auth::SessionResponse>, Status> {
        self.caller(&request)?;
        Ok(Response::new(session("renewed")))
    }

    async fn logout(
        &self,
        request: Request<auth::LogoutRequest>,
    ) -> Result<Response<auth::LogoutResponse>, Status> {
        self.user(&request)?;
        Ok(Response::new(auth::LogoutResponse {}))
    }

    async fn get_me(
        &self,
        request: Request<auth::GetMeRequest>,
    ) -> Result<Response<auth::GetMeResponse>, Status> {
        let user = self.user(&request)?;
        Ok(Response::new(auth::GetMeResponse {
            user: Some(account(user.id.0, &user.username)),
        }))
    }

    async fn get_profile(
        &self,
        request: Request<auth::GetProfileRequest>,
    ) -> Result<Response<auth::GetProfileResponse>, Status> {
        let caller = self.caller(&request)?;
        let name = request.into_inner().username;
        if name == "nobody" {
            return Err(not_found("auth.user_not_found", "There is no such user."));
        }
        let mut user = account(9, &name);
        if name == "user_99" {
            user.role = auth::Role::Admin.into();
        }
        Ok(Response::new(auth::GetProfileResponse {
            user: Some(user),
            followers_count: 2,
            following_count: 1,
            is_following: caller.map(|_| true),
        }))
    }

    async fn get_users(
        &self,
        request: Request<auth::GetUsersRequest>,
    ) -> Result<Response<auth::GetUsersResponse>, Status> {
        self.caller(&request)?;
        self.state().get_users_calls += 1;
        let ids = request.into_inner().ids.into_iter();
        let users = ids.filter(|id| *id != NOBODY).map(summary).collect();
        Ok(Response::new(auth::GetUsersResponse { users }))
    }

    async fn follow(
        &self,
        request: Request<auth::FollowRequest>,
    ) -> Result<Response<auth::FollowResponse>, Status> {
        let user = self.user(&request)?;
        if request.into_inner().user_id == user.id.0 {
            return Err(Error::new(
                ErrorKind::Invalid,
                "auth.follow_self",
                "Nobody follows themselves.",
            )
            .into_status());
        }
        Ok(Response::new(auth::FollowResponse {
            followed_at: Some(now()),
        }))
    }

    async fn unfollow(
        &self,
        request: Request<auth::UnfollowRequest>,
    ) -> Result<Response<auth::UnfollowResponse>, Status> {
        self.user(&request)?;
        Ok(Response::new(auth::UnfollowResponse {}))
    }

    async fn list_followers(
        &self,
        request: Request<auth::ListFollowsRequest>,
    ) -> Result<Response<auth::ListFollowsResponse>, Status> {
        self.caller(&request)?;
        Ok(Response::new(auth::ListFollowsResponse {
            users: vec![summary(3)],
            page: one_page(21),
        }))
    }

    async fn list_following(
        &self,
        request: Request<auth::ListFollowsRequest>,
    ) -> Result<Response<auth::ListFollowsResponse>, Status> {
        self.list_followers(request).await
    }

    async fn key_set(
        &self,
        _: Request<auth::KeySetRequest>,
    ) -> Result<Response<auth::KeySetResponse>, Status> {
        Ok(Response::new(self.keys.clone()))
    }

    async fn revocations_since(
        &self,
        request: Request<auth::RevocationsSinceRequest>,
    ) -> Result<Response<auth::RevocationsSinceResponse>, Status> {
        let since: usize = request.into_inner().cursor.parse().unwrap_or(0);
        let all = self.state().revocations.clone();
        let cursor = all.len().to_string();
        Ok(Response::new(auth::RevocationsSinceResponse {
            revocations: all.into_iter().skip(since).collect(),
            cursor,
        }))
    }

    unused! {
        change_password(auth::ChangePasswordRequest) -> auth::SessionResponse;
        delete_account(auth::DeleteAccountRequest) -> auth::DeleteAccountResponse;
        list_accounts(auth::ListAccountsRequest) -> auth::ListAccountsResponse;
        set_role(auth::SetRoleRequest) -> auth::AccountResponse;
        ban(auth::BanRequest) -> auth::AccountResponse;
        unban(auth::UnbanRequest) -> auth::AccountResponse;
        update_profile(Streaming<auth::UpdateProfileUpload>) -> auth::UpdateProfileResponse;
        following_ids(auth::FollowingIdsRequest) -> auth::FollowingIdsResponse;
        check_follow(auth::CheckFollowRequest) -> auth::CheckFollowResponse;
        follower_page(auth::FollowerPageRequest) -> auth::FollowerPageResponse;
        snapshot(auth::SnapshotRequest) -> auth::SnapshotResponse;
    }
}

#[tonic::async_trait]
impl StreamService for Peers {
    async fn create_stream(
        &self,
        request: Request<Streaming<stream::CreateStreamUpload>>,
    ) -> Result<Response<stream::CreateStreamResponse>, Status> {
        let user = self.user(&request)?;
        let asked = self.upload(&mut request.into_inner()).await?;
        let title = text::title(&asked.title).map_err(IntoStatus::into_status)?;
        let category = asked.category_id.map(|id| stream::Category {
            id,
            name: "Games".to_owned(),
            ..Default::default()
        });
        let stream = stream::Stream {
            id: 70,
            user_id: user.id.0,
            title,
            description: asked.description,
            status: stream::StreamStatus::Ended.into(),
            stream_key: Some("x?key=live_secret".to_owned()),
            category,
            ..stream::Stream::default()
        };
        Ok(Response::new(stream::CreateStreamResponse {
            stream: Some(stream),
            rtmp_url: "rtmp://host:1935/live".to_owned(),
        }))
    }

    async fn get_stream(
        &self,
        request: Request<stream::GetStreamRequest>,
    ) -> Result<Response<stream::GetStreamResponse>, Status> {
        let caller = self.caller(&request)?;
        let stream = self.stream_row(request.into_inner().id, caller.as_ref())?;
        let rtmp_url = stream
            .stream_key
            .as_ref()
            .map(|_| "rtmp://host:1935/live".to_owned());
        Ok(Response::new(stream::GetStreamResponse {
            stream: Some(stream),
            rtmp_url,
        }))
    }

    async fn list_streams(
        &self,
        request: Request<stream::ListStreamsRequest>,
    ) -> Result<Response<stream::ListStreamsResponse>, Status> {
        self.caller(&request)?;
        let ids: Vec<i64> = self.state().rooms.keys().copied().collect();
        let streams = ids
            .iter()
            .map(|id| self.stream_row(*id, None))
            .collect::<Result<Vec<_>, _>>()?;
        let page = one_page(streams.len().try_into().unwrap());
        Ok(Response::new(stream::ListStreamsResponse { streams, page }))
    }

    async fn update_stream(
        &self,
        request: Request<Streaming<stream::UpdateStreamUpload>>,
    ) -> Result<Response<stream::UpdateStreamResponse>, Status> {
        let user = self.user(&request)?;
        let asked = self.upload(&mut request.into_inner()).await?;
        let mut stream = self.stream_row(asked.id, Some(&user))?;
        if stream.user_id != user.id.0 {
            return Err(
                Error::new(ErrorKind::Forbidden, "stream.forbidden", "It is not yours.").into_status(),
            );
        }
        stream.title = asked.title.unwrap_or(stream.title);
        Ok(Response::new(stream::UpdateStreamResponse {
            stream: Some(stream),
        }))
    }

    async fn list_categories(
        &self,
        request: Request<stream::ListCategoriesRequest>,
    ) -> Result<Response<stream::ListCategoriesResponse>, Status> {
        self.caller(&request)?;
        let categories = vec![stream::Category {
            id: 1,
            slug: "games".to_owned(),
            ..Default::default()
        }];
        Ok(Response::new(stream::ListCategoriesResponse {
            categories,
            page: one_page(1),
        }))
    }

    async fn get_room(
        &self,
        request: Request<stream::GetRoomRequest>,
    ) -> Result<Response<stream::GetRoomResponse>, Status> {
        self.caller(&request)?;
        let takes = self.state().rooms_take;
        tokio::time::sleep(takes).await;
        let stream_id = request.into_inner().stream_id;
        let Room { live, version } = self.room(stream_id)?;
        let count = self
            .state()
            .leases
            .keys()
            .filter(|(stream, _)| *stream == stream_id)
            .count();
        let viewer_count = count.try_into().unwrap();
        Ok(Response::new(stream::GetRoomResponse {
            stream_id,
            owner_id: 7,
            live,
            viewer_count,
            version,
        }))
    }

    async fn renew_viewers(
        &self,
        request: Request<stream::RenewViewersRequest>,
    ) -> Result<Response<stream::RenewViewersResponse>, Status> {
        self.caller(&request)?;
        let mut state = self.state();
        state.renewals += 1;
        for lease in request.into_inner().leases {
            state
                .leases
                .insert((lease.stream_id, lease.viewer), lease.connections);
        }
        Ok(Response::new(stream::RenewViewersResponse {}))
    }

    async fn release_viewers(
        &self,
        request: Request<stream::ReleaseViewersRequest>,
    ) -> Result<Response<stream::ReleaseViewersResponse>, Status> {
        self.caller(&request)?;
        let mut state = self.state();
        for lease in request.into_inner().leases {
            state.leases.remove(&(lease.stream_id, lease.viewer));
        }
        Ok(Response::new(stream::ReleaseViewersResponse {}))
    }

    unused! {
        create_category(Streaming<stream::CreateCategoryUpload>) -> stream::CreateCategoryResponse;
        update_category(Streaming<stream::UpdateCategoryUpload>) -> stream::UpdateCategoryResponse;
        delete_category(stream::DeleteCategoryRequest) -> stream::DeleteCategoryResponse;
        delete_stream(stream::DeleteStreamRequest) -> stream::DeleteStreamResponse;
        rotate_key(stream::RotateKeyRequest) -> stream::RotateKeyResponse;
        stop_stream(stream::StopStreamRequest) -> stream::StopStreamResponse;
        list_broadcasts(stream::ListBroadcastsRequest) -> stream::ListBroadcastsResponse;
        get_category(stream::GetCategoryRequest) -> stream::GetCategoryResponse;
        category_snapshot(stream::CategorySnapshotRequest) -> stream::CategorySnapshotResponse;
        resolve_recording(stream::ResolveRecordingRequest) -> stream::ResolveRecordingResponse;
    }
}

#[tonic::async_trait]
impl ChatService for Peers {
    async fn send_message(
        &self,
        request: Request<chat::SendMessageRequest>,
    ) -> Result<Response<chat::SendMessageResponse>, Status> {
        let user = self.user(&request)?;
        let asked = request.into_inner();
        let takes = {
            let mut state = self.state();
            state.chats_asked += 1;
            state.chat_takes
        };
        tokio::time::sleep(takes).await;
        self.room(asked.stream_id)?;
        if let Some(refusal) = self.state().refusals.get(&user.id.0) {
            return Err(refusal.clone().into_status());
        }
        let said = text::chat_message(&asked.message).map_err(IntoStatus::into_status)?;
        let message = self.post(asked.stream_id, &user, &said);
        if !self.state().silent {
            self.announce(&message);
        }
        Ok(Response::new(chat::SendMessageResponse {
            message: Some(message),
        }))
    }

    async fn list_messages(
        &self,
        request: Request<chat::ListMessagesRequest>,
    ) -> Result<Response<chat::ListMessagesResponse>, Status> {
        self.caller(&request)?;
        let asked = request.into_inner();
        self.room(asked.stream_id)?;
        let all = self
            .state()
            .messages
            .get(&asked.stream_id)
            .cloned()
            .unwrap_or_default();
        let limit = usize::try_from(asked.limit).unwrap();
        let after = match asked.from {
            Some(Start::AfterSeq(seq)) => usize::try_from(seq).unwrap(),
            _ => all.len().saturating_sub(limit),
        };
        let messages: Vec<_> = all.iter().skip(after).take(limit).cloned().collect();
        Ok(Response::new(chat::ListMessagesResponse {
            truncated: matches!(asked.from, Some(Start::AfterSeq(_))) && all.len() > after + limit,
            head: all.len().try_into().unwrap(),
            total_messages: all.len().try_into().unwrap(),
            messages,
        }))
    }

    async fn heads(
        &self,
        request: Request<chat::HeadsRequest>,
    ) -> Result<Response<chat::HeadsResponse>, Status> {
        self.caller(&request)?;
        let state = self.state();
        let seq = |id: &i64| i64::try_from(state.messages.get(id).map_or(0, Vec::len)).unwrap();
        let head = |id: i64| chat::RoomHead {
            stream_id: id,
            seq: seq(&id),
        };
        let heads = request.into_inner().stream_ids.into_iter().map(head).collect();
        Ok(Response::new(chat::HeadsResponse { heads }))
    }

    async fn get_settings(
        &self,
        request: Request<chat::GetSettingsRequest>,
    ) -> Result<Response<chat::GetSettingsResponse>, Status> {
        let moderates = self.caller(&request)?.is_some_and(|user| user.id.0 == 7);
        let id = request.into_inner().stream_id;
        self.room(id)?;
        let mut settings = self.state().settings.clone();
        settings.stream_id = id;
        settings.blocked_words = settings.blocked_words.filter(|_| moderates);
        Ok(Response::new(chat::GetSettingsResponse {
            settings: Some(settings),
        }))
    }

    async fn update_settings(
        &self,
        request: Request<chat::UpdateSettingsRequest>,
    ) -> Result<Response<chat::UpdateSettingsResponse>, Status> {
        self.moderator(&request)?;
        let asked = request.into_inner();
        let mut state = self.state();
        let settings = &mut state.settings;
        settings.stream_id = asked.stream_id;
        settings.slow_mode_seconds = asked.slow_mode_seconds.unwrap_or(settings.slow_mode_seconds);
        settings.followers_only = asked.followers_only.unwrap_or(settings.followers_only);
        settings.blocked_words = asked.blocked_words.or(settings.blocked_words.take());
        Ok(Response::new(chat::UpdateSettingsResponse {
            settings: Some(settings.clone()),
        }))
    }

    async fn list_bans(
        &self,
        request: Request<chat::ListBansRequest>,
    ) -> Result<Response<chat::ListBansResponse>, Status> {
        self.moderator(&request)?;
        let bans = self.state().bans.clone();
        Ok(Response::new(chat::ListBansResponse {
            page: one_page(bans.len().try_into().unwrap()),
            bans,
        }))
    }

    async fn ban_user(
        &self,
        request: Request<chat::BanUserRequest>,
    ) -> Result<Response<chat::BanUserResponse>, Status> {
        let by = self.moderator(&request)?;
        let asked = request.into_inner();
        if asked.role() == auth::Role::Admin {
            return Err(forbidden("chat.user_protected"));
        }
        let ban = chat::Ban {
            stream_id: asked.stream_id,
            user_id: asked.user_id,
            reason: asked.reason,
            banned_by: by.id.0,
            created_at: Some(now()),
            expires_at: asked.seconds.map(|_| now()),
        };
        self.state().bans.push(ban.clone());
        Ok(Response::new(chat::BanUserResponse { ban: Some(ban) }))
    }

    async fn unban_user(
        &self,
        request: Request<chat::UnbanUserRequest>,
    ) -> Result<Response<chat::UnbanUserResponse>, Status> {
        self.moderator(&request)?;
        let id = request.into_inner().user_id;
        self.state().bans.retain(|ban| ban.user_id != id);
        Ok(Response::new(chat::UnbanUserResponse {}))
    }

    async fn list_moderators(
        &self,
        request: Request<chat::ListModeratorsRequest>,
    ) -> Result<Response<chat::ListModeratorsResponse>, Status> {
        self.moderator(&request)?;
        Ok(Response::new(chat::ListModeratorsResponse {
            moderators: vec![moderator(1, 3)],
            page: one_page(1),
        }))
    }

    async fn add_moderator(
        &self,
        request: Request<chat::AddModeratorRequest>,
    ) -> Result<Response<chat::AddModeratorResponse>, Status> {
        self.moderator(&request)?;
        let asked = request.into_inner();
        Ok(Response::new(chat::AddModeratorResponse {
            moderator: Some(moderator(asked.stream_id, asked.user_id)),
        }))
    }

    async fn remove_moderator(
        &self,
        request: Request<chat::RemoveModeratorRequest>,
    ) -> Result<Response<chat::RemoveModeratorResponse>, Status> {
        self.moderator(&request)?;
        Ok(Response::new(chat::RemoveModeratorResponse {}))
    }

    async fn list_log(
        &self,
        request: Request<chat::ListLogRequest>,
    ) -> Result<Response<chat::ListLogResponse>, Status> {
        self.moderator(&request)?;
        let entry = chat::LogEntry {
            id: "entry".to_owned(),
            action: "user_timed_out".to_owned(),
            actor_id: 7,
            user_id: Some(3),
            seconds: Some(60),
            reason: "spam".to_owned(),
            created_at: Some(now()),
            ..chat::LogEntry::default()
        };
        Ok(Response::new(chat::ListLogResponse {
            entries: vec![entry],
            page: one_page(1),
        }))
    }

    unused! { delete_message(chat::DeleteMessageRequest) -> chat::DeleteMessageResponse; }
}

#[tonic::async_trait]
impl NotificationService for Peers {
    async fn unread_count(
        &self,
        request: Request<notification::UnreadCountRequest>,
    ) -> Result<Response<notification::UnreadCountResponse>, Status> {
        self.user(&request)?;
        Ok(Response::new(notification::UnreadCountResponse { count: 4 }))
    }

    async fn list_notifications(
        &self,
        request: Request<notification::ListNotificationsRequest>,
    ) -> Result<Response<notification::ListNotificationsResponse>, Status> {
        let user = self.user(&request)?.id.0;
        let follower = notification::Notification {
            id: 2,
            user_id: user,
            r#type: "new_follower".to_owned(),
            message: "A deleted user follows you.".to_owned(),
            actor_id: NOBODY,
            ..notification::Notification::default()
        };
        Ok(Response::new(notification::ListNotificationsResponse {
            notifications: vec![stream_started(user), follower],
            page: one_page(2),
        }))
    }

    async fn mark_read(
        &self,
        request: Request<notification::MarkReadRequest>,
    ) -> Result<Response<notification::MarkReadResponse>, Status> {
        let user = self.user(&request)?.id.0;
        Ok(Response::new(notification::MarkReadResponse {
            notification: Some(stream_started(user)),
        }))
    }

    unused! {
        mark_all_read(notification::MarkAllReadRequest) -> notification::MarkAllReadResponse;
    }
}

#[tonic::async_trait]
impl VodService for Peers {
    async fn get_vod(
        &self,
        request: Request<vod::GetVodRequest>,
    ) -> Result<Response<vod::GetVodResponse>, Status> {
        self.caller(&request)?;
        let asked = request.into_inner();
        assert!(asked.count_view);
        if asked.id == MISSING {
            return Err(not_found("vod.not_found", "There is none."));
        }
        let mut state = self.state();
        state.vods_asked += 1;
        let vod = vod::Vod {
            id: asked.id,
            user_id: 7,
            duration_seconds: 6.5,
            view_count: state.vods_asked,
            ..vod::Vod::default()
        };
        Ok(Response::new(vod::GetVodResponse { vod: Some(vod) }))
    }

    async fn count_views(
        &self,
        request: Request<vod::CountViewsRequest>,
    ) -> Result<Response<vod::CountViewsResponse>, Status> {
        self.caller(&request)?;
        let seen = request.into_inner().seen;
        let seen = seen.into_iter().map(|view| (view.vod_id, view.client_address));
        self.state().seen.extend(seen);
        Ok(Response::new(vod::CountViewsResponse {}))
    }

    async fn upload_vod(
        &self,
        request: Request<Streaming<vod::UploadVodUpload>>,
    ) -> Result<Response<vod::UploadVodResponse>, Status> {
        let user = self.user(&request)?;
        let name = request.metadata().get("idempotency-key").cloned();
        let mut messages = request.into_inner();
        let (mut video, mut picture) = (Vec::new(), Vec::new());
        let asked = loop {
            match next_part(&mut messages).await.map_err(IntoStatus::into_status)? {
                Part::Chunk(bytes) => video.extend(bytes),
                Part::Picture(bytes) => picture.extend(bytes),
                Part::Request(request) => break request,
            }
        };
        self.state().files.extend([video, picture]);
        let vod = vod::Vod {
            id: 1,
            user_id: user.id.0,
            title: asked.title,
            description: name.map_or_else(String::new, |name| name.to_str().unwrap().to_owned()),
            ..vod::Vod::default()
        };
        Ok(Response::new(vod::UploadVodResponse { vod: Some(vod) }))
    }

    unused! {
        import_vod(vod::ImportVodRequest) -> vod::ImportVodResponse;
        update_vod(Streaming<vod::UpdateVodUpload>) -> vod::UpdateVodResponse;
        refresh_urls(vod::RefreshUrlsRequest) -> vod::RefreshUrlsResponse;
        retry_vod(vod::RetryVodRequest) -> vod::RetryVodResponse;
        list_vods(vod::ListVodsRequest) -> vod::ListVodsResponse;
        latest_of_stream(vod::LatestOfStreamRequest) -> vod::LatestOfStreamResponse;
        delete_vod(vod::DeleteVodRequest) -> vod::DeleteVodResponse;
    }
}
