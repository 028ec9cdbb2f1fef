//! The gRPC service: parse, who is asking, one call of the store, answer.

mod answers;

use std::net::IpAddr;

use domain::{PageRequest, UserId, text};
use identity::ServiceName::{self, Chat, Gateway, Notification, Stream, Vod};
use proto::auth::v1::auth_service_server::AuthService;
use proto::auth::v1::{
    CheckFollowRequest, CheckFollowResponse, FollowRequest, FollowResponse, FollowerPageRequest,
    FollowerPageResponse, GetMeRequest, GetMeResponse, GetProfileRequest, GetProfileResponse,
    GetUsersRequest, GetUsersResponse, KeySetRequest, KeySetResponse, ListFollowsRequest,
    ListFollowsResponse, LoginRequest, LogoutRequest, LogoutResponse, RefreshRequest, RegisterRequest,
    RevocationsSinceRequest, RevocationsSinceResponse, SessionResponse, SnapshotRequest, SnapshotResponse,
    UnfollowRequest, UnfollowResponse,
};
use proto::time::timestamp;
use proto::{Caller, IntoStatus};
use secrecy::SecretString;
use tonic::{Request, Response, Status};

use crate::app::{App, RefreshToken};
use crate::domain::{claims, normal_name};
use crate::error::{Error, Result};
use crate::store::{Direction, Granted, NewUser};

/// Longest password that is looked at; a longer one is never right.
const MAX_PASSWORD: usize = 1024;
/// A longer text is no refresh token of ours.
const MAX_REFRESH_TOKEN: usize = 128;
/// Most ids in one question for names.
const MAX_USERS: usize = 100;
/// Most rows in one page for another service.
const MAX_PAGE: u32 = 1000;

const ALL: &[ServiceName] = &[Stream, Vod, Chat, Notification, Gateway];

/// Which services may call each method.
pub const CALLERS: &[(&str, &[ServiceName])] = &[
    ("Register", &[Gateway]),
    ("Login", &[Gateway]),
    ("Refresh", &[Gateway]),
    ("Logout", &[Gateway]),
    ("GetMe", &[Gateway]),
    ("GetProfile", &[Gateway]),
    ("GetUsers", ALL),
    ("Follow", &[Gateway]),
    ("Unfollow", &[Gateway]),
    ("CheckFollow", &[Gateway, Chat]),
    ("ListFollowers", &[Gateway]),
    ("ListFollowing", &[Gateway]),
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

    async fn register(&self, address: Option<IpAddr>, request: RegisterRequest) -> Result<SessionResponse> {
        self.app.throttle.registration(address).await?;
        let checked = check_registration(&request)?;
        let password = self
            .app
            .passwords
            .hash(SecretString::from(request.password))
            .await?;
        let (username, display_name) = checked;
        let refresh = RefreshToken::generate();
        let new = NewUser {
            username,
            password,
            display_name,
        };
        let granted = self
            .app
            .store
            .user_register(new, refresh.stored, self.app.clock.now())
            .await?;
        tracing::info!(user_id = granted.user.id, "registered");
        self.session(granted, refresh.text)
    }

    async fn login(&self, address: Option<IpAddr>, request: LoginRequest) -> Result<SessionResponse> {
        if request.password.len() > MAX_PASSWORD {
            return Err(domain::FieldError::new("password", "must be at most 1024 bytes").into());
        }
        let name = normal_name(&request.username);
        self.app.throttle.login(&name, address).await?;
        // What can be nobody's name is looked up and hashed like any other: it must take as long.
        let user = self.app.store.user_by_name(&name).await?;
        let hash = user.as_ref().map(|user| user.password.clone());
        let right = self
            .app
            .passwords
            .verify(SecretString::from(request.password), hash)
            .await?;
        let Some(user) = user.filter(|_| right) else {
            metrics::counter!("auth_logins_total", "outcome" => "refused").increment(1);
            return Err(Error::InvalidCredentials);
        };
        let refresh = RefreshToken::generate();
        let granted = self
            .app
            .store
            .session_start(&user, refresh.stored, self.app.clock.now())
            .await?;
        self.app.throttle.login_succeeded(&name, address).await;
        metrics::counter!("auth_logins_total", "outcome" => "accepted").increment(1);
        self.session(granted, refresh.text)
    }

    async fn refresh(&self, request: RefreshRequest) -> Result<SessionResponse> {
        if request.refresh_token.len() > MAX_REFRESH_TOKEN {
            return Err(Error::RefreshTokenInvalid);
        }
        let hash = RefreshToken::hash(&request.refresh_token);
        let next = RefreshToken::generate();
        match self
            .app
            .store
            .session_refresh(hash, next.stored, self.app.clock.now())
            .await?
        {
            Ok(granted) => self.session(granted, next.text),
            Err(revocation) => {
                metrics::counter!("auth_refresh_tokens_reused_total").increment(1);
                self.app.verifier.revoke(revocation);
                Err(Error::RefreshTokenInvalid)
            }
        }
    }

    fn session(&self, granted: Granted, refresh_token: String) -> Result<SessionResponse> {
        let Granted {
            user,
            session,
            access,
        } = granted;
        let access_token =
            self.app
                .keys
                .sign(&claims(user.id(), &user.username, user.role(), session, access))?;
        Ok(SessionResponse {
            user: Some(user.into()),
            access_token,
            refresh_token,
            expires_at: Some(timestamp(access.expires_at)),
        })
    }

    async fn logout(&self, caller: &Caller) -> Result<()> {
        let revocation = self
            .app
            .store
            .session_end(caller.user()?, self.app.clock.now())
            .await?;
        // This replica knows at once; the others hear of it.
        self.app.verifier.revoke(revocation);
        Ok(())
    }

    async fn list(&self, request: ListFollowsRequest, direction: Direction) -> Result<ListFollowsResponse> {
        let page = page_request(request.page)?;
        let page = self
            .app
            .store
            .follow_page(user_id(request.user_id)?, direction, page)
            .await?;
        Ok(page.into())
    }
}

fn check_registration(request: &RegisterRequest) -> Result<(String, String)> {
    let username = text::username(&normal_name(&request.username));
    let password = text::password(&request.password);
    let display_name = match (&request.display_name, &username) {
        (Some(name), _) => text::display_name(name),
        (None, Ok(username)) => Ok(username.clone()),
        (None, Err(_)) => Ok(String::new()),
    };
    match (username, password, display_name) {
        (Ok(username), Ok(()), Ok(display_name)) => Ok((username, display_name)),
        (username, password, display_name) => {
            let errors = [username.err(), password.err(), display_name.err()];
            Err(Error::Fields(errors.into_iter().flatten().collect()))
        }
    }
}

/// An absent number is 0 in protobuf, and takes its default.
fn page_request(page: Option<proto::common::v1::PageRequest>) -> Result<PageRequest> {
    let page = page.unwrap_or_default();
    let given = |number: u32| (number != 0).then_some(number);
    Ok(PageRequest::parse(
        given(page.page),
        given(page.limit),
        page.cursor.as_deref(),
    )?)
}

fn user_id(id: i64) -> Result<UserId> {
    UserId::try_from(id).map_err(|_| domain::FieldError::new("userId", "must be a positive number").into())
}

fn limit(limit: u32) -> Result<u32> {
    if (1..=MAX_PAGE).contains(&limit) {
        Ok(limit)
    } else {
        Err(domain::FieldError::new("limit", format!("must be 1 to {MAX_PAGE}")).into())
    }
}

fn after(id: i64) -> Result<i64> {
    if id >= 0 {
        Ok(id)
    } else {
        Err(domain::FieldError::new("after", "must not be negative").into())
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

    async fn get_me(&self, request: Request<GetMeRequest>) -> Answer<GetMeResponse> {
        let me = signed_in(&request)?;
        answer(self.app.store.user_get(me).await.map(|user| GetMeResponse {
            user: Some(user.into()),
        }))
    }

    async fn get_profile(&self, request: Request<GetProfileRequest>) -> Answer<GetProfileResponse> {
        let viewer = Caller::of(&request)?.user.map(|user| user.id);
        let name = normal_name(&request.into_inner().username);
        answer(self.app.store.user_profile(&name, viewer).await.map(Into::into))
    }

    async fn get_users(&self, request: Request<GetUsersRequest>) -> Answer<GetUsersResponse> {
        let ids = request.into_inner().ids;
        if ids.len() > MAX_USERS {
            let many = domain::FieldError::new("ids", format!("must be at most {MAX_USERS}"));
            return answer(Err(many.into()));
        }
        let users = self.app.store.user_summaries(&ids).await;
        answer(users.map(|users| GetUsersResponse {
            users: users.into_iter().map(Into::into).collect(),
        }))
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

    #[test]
    fn all_that_is_wrong_with_a_registration_is_said_at_once() {
        let request = |username: &str, password: &str, display_name: Option<&str>| RegisterRequest {
            username: username.to_owned(),
            password: password.to_owned(),
            display_name: display_name.map(str::to_owned),
        };
        let Err(Error::Fields(fields)) = check_registration(&request("a b", "short", Some("\0"))) else {
            panic!()
        };
        let paths: Vec<_> = fields.iter().map(|field| field.path.as_ref()).collect();
        assert_eq!(paths, ["username", "password", "displayName"]);
        let (name, shown) = check_registration(&request("Ａnna", "long enough", None)).unwrap();
        assert_eq!((name.as_str(), shown.as_str()), ("Anna", "Anna"));
    }

    #[test]
    fn an_absent_page_is_the_first() {
        assert_eq!(
            page_request(None).unwrap(),
            PageRequest::parse(None, None, None).unwrap()
        );
    }
}
