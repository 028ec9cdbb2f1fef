//! Accounts, sessions and follows.

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::PageRequest;
use proto::auth::v1::{
    FollowRequest, GetMeRequest, GetProfileRequest, ListFollowsRequest, LoginRequest, LogoutRequest,
    RefreshRequest, RegisterRequest, UnfollowRequest,
};
use proto::time::datetime;

use crate::inbound::rest::caller::{Anonymous, Caller, SignedIn};
use crate::inbound::rest::dto::{
    ById, ByUsername, Credentials, Done, Follow, Followed, Followers, Following, Me, PageQuery, Profile,
    Refresh, Registration, Session, Totals,
};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Json, Path, Query};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(
        api, register, login, refresh, logout, me, profile, followers, following
    );
    endpoints!(api, follow, unfollow, unfollow_by_name, unfollow_by_post);
}

/// Creates an account and signs in.
#[utoipa::path(post, path = "/users/register", operation_id = "register",
    responses((status = 201, body = Session)))]
async fn register(
    rest: Data<Rest>,
    caller: Anonymous,
    Json(body): Json<Registration>,
) -> Result<HttpResponse, Problem> {
    let request = RegisterRequest {
        username: body.username.0,
        password: body.password.0,
        display_name: body.display_name.map(|name| name.0),
    };
    let session = rest
        .peers
        .auth(caller.context())
        .register(request)
        .await
        .answer()?;
    Ok(HttpResponse::Created().json(Session::new("Account created.", session)?))
}

/// Signs in.
#[utoipa::path(post, path = "/users/login", operation_id = "login",
    responses((status = 200, body = Session)))]
async fn login(
    rest: Data<Rest>,
    caller: Anonymous,
    Json(body): Json<Credentials>,
) -> Result<HttpResponse, Problem> {
    let Credentials { username, password } = body;
    let request = LoginRequest { username, password };
    let session = rest.peers.auth(caller.context()).login(request).await.answer()?;
    Ok(HttpResponse::Ok().json(Session::new("Signed in.", session)?))
}

/// Exchanges a refresh token for a new pair.
///
/// Using a refresh token twice ends its session.
#[utoipa::path(post, path = "/users/refresh", operation_id = "refresh",
    responses((status = 200, body = Session)))]
async fn refresh(
    rest: Data<Rest>,
    caller: Anonymous,
    Json(body): Json<Refresh>,
) -> Result<HttpResponse, Problem> {
    let request = RefreshRequest {
        refresh_token: body.refresh_token,
    };
    let session = rest
        .peers
        .auth(caller.context())
        .refresh(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Session::new("Session renewed.", session)?))
}

/// Ends the session.
///
/// Its tokens are refused everywhere and its sockets are closed within a second.
#[utoipa::path(post, path = "/users/logout", operation_id = "logout",
    responses((status = 204, description = "Signed out")))]
async fn logout(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    rest.peers
        .auth(me.context())
        .logout(LogoutRequest {})
        .await
        .answer()?;
    Ok(HttpResponse::NoContent().finish())
}

/// Returns the caller's account.
#[utoipa::path(get, path = "/users/me", operation_id = "me", responses((status = 200, body = Me)))]
async fn me(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .auth(me.context())
        .get_me(GetMeRequest {})
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Me::from(present(answer.user, "user")?)))
}

/// Returns a user's public profile.
#[utoipa::path(get, path = "/users/profile/{username}", operation_id = "profile",
    responses((status = 200, body = Profile)))]
async fn profile(
    rest: Data<Rest>,
    caller: Caller,
    Path(ByUsername { username }): Path<ByUsername>,
) -> Result<HttpResponse, Problem> {
    let request = GetProfileRequest { username };
    let answer = rest
        .peers
        .auth(caller.context())
        .get_profile(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Profile::try_from(answer)?))
}

fn follows_request(user: ById, page: &PageRequest) -> ListFollowsRequest {
    ListFollowsRequest {
        user_id: user.id.0,
        page: Some(proto::page::message(page)),
    }
}

/// Lists the followers of a user.
#[utoipa::path(get, path = "/users/{id}/followers", operation_id = "followers",
    responses((status = 200, body = Followers)))]
async fn followers(
    rest: Data<Rest>,
    caller: Caller,
    Path(user): Path<ById>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.into();
    let mut auth = rest.peers.auth(caller.context());
    let answer = auth.list_followers(follows_request(user, &page)).await.answer()?;
    Ok(HttpResponse::Ok().json(Followers {
        followers: answer.users.into_iter().map(Into::into).collect(),
        totals: Totals::new(&page, answer.page),
    }))
}

/// Lists the users that a user follows.
#[utoipa::path(get, path = "/users/{id}/following", operation_id = "following",
    responses((status = 200, body = Following)))]
async fn following(
    rest: Data<Rest>,
    caller: Caller,
    Path(user): Path<ById>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.into();
    let mut auth = rest.peers.auth(caller.context());
    let answer = auth.list_following(follows_request(user, &page)).await.answer()?;
    Ok(HttpResponse::Ok().json(Following {
        following: answer.users.into_iter().map(Into::into).collect(),
        totals: Totals::new(&page, answer.page),
    }))
}

/// Follows a user and notifies them.
#[utoipa::path(post, path = "/users/{id}/follow", operation_id = "follow",
    responses((status = 201, body = Followed)))]
async fn follow(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = FollowRequest { user_id: id.0 };
    let answer = rest.peers.auth(me.context()).follow(request).await.answer()?;
    let data = Follow {
        follower_id: me.user().id.0,
        following_id: id.0,
        created_at: datetime(answer.followed_at.as_ref()),
    };
    Ok(HttpResponse::Created().json(Followed {
        success: true,
        message: "Followed.",
        data,
    }))
}

/// Unfollows a user.
#[utoipa::path(delete, path = "/users/{id}/follow", operation_id = "unfollow",
    responses((status = 200, body = Done)))]
async fn unfollow(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = UnfollowRequest { user_id: id.0 };
    rest.peers.auth(me.context()).unfollow(request).await.answer()?;
    Ok(HttpResponse::Ok().json(Done::new("Unfollowed.")))
}

/// Unfollows a user, like DELETE of `follow`.
#[utoipa::path(delete, path = "/users/{id}/unfollow", operation_id = "unfollowByName",
    responses((status = 200, body = Done)))]
async fn unfollow_by_name(rest: Data<Rest>, me: SignedIn, user: Path<ById>) -> Result<HttpResponse, Problem> {
    unfollow(rest, me, user).await
}

/// Unfollows a user, like DELETE of `follow`; for forms, which cannot send DELETE.
#[utoipa::path(post, path = "/users/{id}/unfollow", operation_id = "unfollowByPost",
    responses((status = 200, body = Done)))]
async fn unfollow_by_post(rest: Data<Rest>, me: SignedIn, user: Path<ById>) -> Result<HttpResponse, Problem> {
    unfollow(rest, me, user).await
}
