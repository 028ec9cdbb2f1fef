//! Accounts, sessions and follows.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use primitives::UserId;
use proto::auth::v1::{
    FollowRequest, GetMeRequest, GetProfileRequest, ListFollowsRequest, LoginRequest, LogoutRequest,
    RefreshRequest, RegisterRequest, UnfollowRequest,
};
use proto::time::datetime;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Anonymous, Caller, SignedIn};
use crate::inbound::rest::extract::{Id, Json, PageQuery, Query, segment};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{
    DoneShape, FollowShape, FollowedShape, FollowersShape, FollowingShape, MeShape, ProfileShape,
    SessionShape, TotalsShape,
};
use crate::outbound::peers::{Answer, present};

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Registration {
    /// 3 to 25 of A-Z a-z 0-9 _, no reserved word.
    #[schema(pattern = "^[A-Za-z0-9_]{3,25}$", example = "minh_anh")]
    username: String,
    /// 8 to 1024 bytes.
    #[schema(min_length = 8, max_length = 256)]
    password: String,
    /// Up to 50 characters; the username when absent.
    display_name: Option<String>,
}

/// A name and its password.
#[derive(Deserialize, ToSchema)]
pub(super) struct Credentials {
    username: String,
    password: String,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refresh {
    refresh_token: String,
}

/// Makes an account and signs in as it.
#[utoipa::path(post, path = "/api/users/register", tag = "users", operation_id = "register", request_body = Registration,
    responses((status = 201, body = SessionShape)))]
pub(super) async fn register(
    rest: Data<Rest>,
    caller: Anonymous,
    Json(body): Json<Registration>,
) -> Result<HttpResponse, Problem> {
    let Registration {
        username,
        password,
        display_name,
    } = body;
    let request = RegisterRequest {
        username,
        password,
        display_name,
    };
    let session = rest
        .peers
        .auth(caller.context())
        .register(request)
        .await
        .answer()?;
    Ok(HttpResponse::Created().json(SessionShape::new("Welcome.", session)?))
}

/// Signs in.
#[utoipa::path(post, path = "/api/users/login", tag = "users", operation_id = "login", request_body = Credentials,
    responses((status = 200, body = SessionShape)))]
pub(super) async fn login(
    rest: Data<Rest>,
    caller: Anonymous,
    Json(body): Json<Credentials>,
) -> Result<HttpResponse, Problem> {
    let Credentials { username, password } = body;
    let session = rest
        .peers
        .auth(caller.context())
        .login(LoginRequest { username, password })
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(SessionShape::new("Signed in.", session)?))
}

/// Exchanges a refresh token for a new pair. A token that is used twice ends its session.
#[utoipa::path(post, path = "/api/users/refresh", tag = "users", operation_id = "refresh", request_body = Refresh,
    responses((status = 200, body = SessionShape)))]
pub(super) async fn refresh(
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
    Ok(HttpResponse::Ok().json(SessionShape::new("Renewed.", session)?))
}

/// Ends the session: its tokens are refused everywhere, and its sockets are closed, within a second.
#[utoipa::path(post, path = "/api/users/logout", tag = "users", operation_id = "logout", security(("bearer" = [])),
    responses((status = 204, description = "Signed out")))]
pub(super) async fn logout(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    rest.peers
        .auth(me.context())
        .logout(LogoutRequest {})
        .await
        .answer()?;
    Ok(HttpResponse::NoContent().finish())
}

/// The caller's own account.
#[utoipa::path(get, path = "/api/users/me", tag = "users", operation_id = "me", security(("bearer" = [])),
    responses((status = 200, body = MeShape)))]
pub(super) async fn me(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .auth(me.context())
        .get_me(GetMeRequest {})
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(MeShape::from(present(answer.user, "user")?)))
}

/// Someone's public profile.
#[utoipa::path(get, path = "/api/users/profile/{username}", tag = "users", operation_id = "profile",
    security((), ("bearer" = [])), params(("username" = String, Path)), responses((status = 200, body = ProfileShape)))]
pub(super) async fn profile(
    rest: Data<Rest>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let request = GetProfileRequest {
        username: segment(&request, "username"),
    };
    let answer = rest
        .peers
        .auth(caller.context())
        .get_profile(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(ProfileShape::try_from(answer)?))
}

/// Who follows someone.
#[utoipa::path(get, path = "/api/users/{id}/followers", tag = "users", operation_id = "followers",
    params(("id" = i64, Path), ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = FollowersShape)))]
pub(super) async fn followers(
    rest: Data<Rest>,
    caller: Caller,
    Id(id): Id<UserId>,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = query.parse()?;
    let request = ListFollowsRequest {
        user_id: id.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest
        .peers
        .auth(caller.context())
        .list_followers(request)
        .await
        .answer()?;
    let followers = answer.users.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(FollowersShape {
        followers,
        totals: TotalsShape::new(&page, answer.page),
    }))
}

/// Whom someone follows.
#[utoipa::path(get, path = "/api/users/{id}/following", tag = "users", operation_id = "following",
    params(("id" = i64, Path), ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = FollowingShape)))]
pub(super) async fn following(
    rest: Data<Rest>,
    caller: Caller,
    Id(id): Id<UserId>,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = query.parse()?;
    let request = ListFollowsRequest {
        user_id: id.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest
        .peers
        .auth(caller.context())
        .list_following(request)
        .await
        .answer()?;
    let following = answer.users.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(FollowingShape {
        following,
        totals: TotalsShape::new(&page, answer.page),
    }))
}

/// Follows someone, who is told.
#[utoipa::path(post, path = "/api/users/{id}/follow", tag = "users", operation_id = "follow", security(("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 201, body = FollowedShape)))]
pub(super) async fn follow(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<UserId>,
) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .auth(me.context())
        .follow(FollowRequest { user_id: id.0 })
        .await
        .answer()?;
    let created_at = datetime(answer.followed_at.as_ref());
    let data = FollowShape {
        follower_id: me.user().id.0,
        following_id: id.0,
        created_at,
    };
    Ok(HttpResponse::Created().json(FollowedShape {
        success: true,
        message: "You follow them now.",
        data,
    }))
}

/// Stops following someone.
#[utoipa::path(delete, path = "/api/users/{id}/follow", tag = "users", operation_id = "unfollow", security(("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 200, body = DoneShape)))]
pub(super) async fn unfollow(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<UserId>,
) -> Result<HttpResponse, Problem> {
    rest.peers
        .auth(me.context())
        .unfollow(UnfollowRequest { user_id: id.0 })
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(DoneShape::new("You follow them no more.")))
}

/// The same as DELETE of `follow`.
#[utoipa::path(delete, path = "/api/users/{id}/unfollow", tag = "users", operation_id = "unfollowByName",
    security(("bearer" = [])), params(("id" = i64, Path)), responses((status = 200, body = DoneShape)))]
pub(super) async fn unfollow_by_name(
    rest: Data<Rest>,
    me: SignedIn,
    id: Id<UserId>,
) -> Result<HttpResponse, Problem> {
    unfollow(rest, me, id).await
}

/// The same as DELETE of `follow`, for forms.
#[utoipa::path(post, path = "/api/users/{id}/unfollow", tag = "users", operation_id = "unfollowByPost",
    security(("bearer" = [])), params(("id" = i64, Path)), responses((status = 200, body = DoneShape)))]
pub(super) async fn unfollow_by_post(
    rest: Data<Rest>,
    me: SignedIn,
    id: Id<UserId>,
) -> Result<HttpResponse, Problem> {
    unfollow(rest, me, id).await
}
