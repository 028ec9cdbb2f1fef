//! Bans, moderators and the log of a room.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use primitives::{Error, ErrorKind, FieldError, StreamId, UserId};
use proto::auth::v1::{GetProfileRequest, GetUsersRequest, Role, UserSummary};
use proto::chat::v1::{
    AddModeratorRequest, BanUserRequest, ListBansRequest, ListLogRequest, ListModeratorsRequest,
    RemoveModeratorRequest, UnbanUserRequest,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::extract::{Id, Json, PageQuery, Query, segment};
use crate::inbound::rest::field::whole;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{
    BanListShape, BanShape, BannedShape, DoneShape, LogEntryShape, LogShape, ModeratorAddedShape,
    ModeratorListShape, ModeratorShape, TotalsShape,
};
use crate::outbound::peers::{Answer, present};

/// Who shall not speak, and for how long.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatBanOrder)]
pub(in crate::inbound::rest) struct Order {
    #[serde(deserialize_with = "whole")]
    user_id: i64,
    /// 1 to 31,536,000, a year; for good when it is left out.
    #[serde(default, deserialize_with = "whole")]
    seconds: Option<u32>,
    /// At most 500 characters.
    reason: Option<String>,
}

/// Somebody, by id.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatSomebody)]
pub(in crate::inbound::rest) struct Somebody {
    #[serde(deserialize_with = "whole")]
    user_id: i64,
}

/// Who may not speak in a room now, newest first: for the owner, moderators and admins.
#[utoipa::path(get, path = "/api/chat/{streamId}/bans", tag = "chat", operation_id = "listChatBans",
    security(("bearer" = [])),
    params(("streamId" = i64, Path), ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = BanListShape)))]
pub(in crate::inbound::rest) async fn bans(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = query.parse()?;
    let request = ListBansRequest {
        stream_id: stream.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest.peers.chat(me.context()).list_bans(request).await.answer()?;
    let ids = answer.bans.iter().map(|ban| ban.user_id);
    let found = rest.people.of(ids, me.context()).await;
    let shape = |ban: proto::chat::v1::Ban| {
        let user = found.get(&ban.user_id);
        BanShape::new(ban, user)
    };
    Ok(HttpResponse::Ok().json(BanListShape {
        bans: answer.bans.into_iter().map(shape).collect(),
        totals: TotalsShape::new(&page, answer.page),
    }))
}

/// Takes somebody the word, for a time or for good: for the owner, moderators and admins. Nobody bans the
/// owner or an admin, and no moderator another (403 with `chat.user_protected`). The room is told.
#[utoipa::path(post, path = "/api/chat/{streamId}/bans", tag = "chat", operation_id = "banFromChat",
    security(("bearer" = [])), params(("streamId" = i64, Path)), request_body = Order,
    responses((status = 201, body = BannedShape)))]
pub(in crate::inbound::rest) async fn ban(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    Json(order): Json<Order>,
) -> Result<HttpResponse, Problem> {
    let user = somebody(&rest, &me, order.user_id).await?;
    let request = BanUserRequest {
        stream_id: stream.0,
        user_id: user.id,
        seconds: order.seconds,
        reason: order.reason.unwrap_or_default(),
        role: role(&rest, &me, &user).await?.into(),
    };
    let answer = rest.peers.chat(me.context()).ban_user(request).await.answer()?;
    let ban = present(answer.ban, "ban")?;
    Ok(HttpResponse::Created().json(BannedShape {
        message: "The user may not speak in this room.",
        ban: BanShape::new(ban, Some(&user)),
    }))
}

/// Gives somebody the word again: for the owner, moderators and admins.
#[utoipa::path(delete, path = "/api/chat/{streamId}/bans/{userId}", tag = "chat", operation_id = "unbanFromChat",
    security(("bearer" = [])), params(("streamId" = i64, Path), ("userId" = i64, Path)),
    responses((status = 200, body = DoneShape)))]
pub(in crate::inbound::rest) async fn unban(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let request = UnbanUserRequest {
        stream_id: stream.0,
        user_id: user_id(&request)?.0,
    };
    rest.peers.chat(me.context()).unban_user(request).await.answer()?;
    Ok(HttpResponse::Ok().json(DoneShape::new("The user may speak again.")))
}

/// A room's own moderators, newest first: for the owner, moderators and admins.
#[utoipa::path(get, path = "/api/chat/{streamId}/moderators", tag = "chat", operation_id = "listChatModerators",
    security(("bearer" = [])),
    params(("streamId" = i64, Path), ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = ModeratorListShape)))]
pub(in crate::inbound::rest) async fn moderators(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = query.parse()?;
    let request = ListModeratorsRequest {
        stream_id: stream.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest
        .peers
        .chat(me.context())
        .list_moderators(request)
        .await
        .answer()?;
    let ids = answer.moderators.iter().map(|moderator| moderator.user_id);
    let found = rest.people.of(ids, me.context()).await;
    let moderators = answer.moderators.iter();
    Ok(HttpResponse::Ok().json(ModeratorListShape {
        moderators: moderators
            .map(|moderator| ModeratorShape::new(moderator, found.get(&moderator.user_id)))
            .collect(),
        totals: TotalsShape::new(&page, answer.page),
    }))
}

/// Makes somebody a moderator of a room: for the owner and admins. Who is one already stays one.
#[utoipa::path(post, path = "/api/chat/{streamId}/moderators", tag = "chat", operation_id = "addChatModerator",
    security(("bearer" = [])), params(("streamId" = i64, Path)), request_body = Somebody,
    responses((status = 201, body = ModeratorAddedShape)))]
pub(in crate::inbound::rest) async fn add_moderator(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    Json(Somebody { user_id }): Json<Somebody>,
) -> Result<HttpResponse, Problem> {
    let user = somebody(&rest, &me, user_id).await?;
    let request = AddModeratorRequest {
        stream_id: stream.0,
        user_id: user.id,
    };
    let answer = rest
        .peers
        .chat(me.context())
        .add_moderator(request)
        .await
        .answer()?;
    let moderator = present(answer.moderator, "moderator")?;
    Ok(HttpResponse::Created().json(ModeratorAddedShape {
        message: "The user moderates this room.",
        moderator: ModeratorShape::new(&moderator, Some(&user)),
    }))
}

/// Makes a moderator of a room somebody like all: for the owner and admins.
#[utoipa::path(delete, path = "/api/chat/{streamId}/moderators/{userId}", tag = "chat", operation_id = "removeChatModerator",
    security(("bearer" = [])), params(("streamId" = i64, Path), ("userId" = i64, Path)),
    responses((status = 200, body = DoneShape)))]
pub(in crate::inbound::rest) async fn remove_moderator(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let request = RemoveModeratorRequest {
        stream_id: stream.0,
        user_id: user_id(&request)?.0,
    };
    rest.peers
        .chat(me.context())
        .remove_moderator(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(DoneShape::new("The user moderates no more.")))
}

/// What was done to moderate a room, newest first: for the owner, moderators and admins.
#[utoipa::path(get, path = "/api/chat/{streamId}/log", tag = "chat", operation_id = "listChatLog",
    security(("bearer" = [])),
    params(("streamId" = i64, Path), ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = LogShape)))]
pub(in crate::inbound::rest) async fn log(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = query.parse()?;
    let request = ListLogRequest {
        stream_id: stream.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest.peers.chat(me.context()).list_log(request).await.answer()?;
    let ids = answer.entries.iter();
    let ids = ids
        .flat_map(|entry| [Some(entry.actor_id), entry.user_id])
        .flatten();
    let found = rest.people.of(ids, me.context()).await;
    let entries = answer.entries.into_iter();
    Ok(HttpResponse::Ok().json(LogShape {
        log: entries.map(|entry| LogEntryShape::new(entry, &found)).collect(),
        totals: TotalsShape::new(&page, answer.page),
    }))
}

/// The account that a moderator means. Asked of auth itself: a short memory of names would say of nobody that
/// they are not there.
async fn somebody(rest: &Rest, me: &SignedIn, id: i64) -> Result<UserSummary, Problem> {
    let id = UserId::try_from(id).map_err(|_| FieldError::invalid_id("userId"))?;
    let request = GetUsersRequest { ids: vec![id.0] };
    let answer = rest.peers.auth(me.context()).get_users(request).await.answer()?;
    let nobody = || Error::new(ErrorKind::NotFound, "user.not_found", "User not found.");
    Ok(answer.users.into_iter().next().ok_or_else(nobody)?)
}

/// An account's role as it is now: what the chat service may do to it hangs on it.
async fn role(rest: &Rest, me: &SignedIn, user: &UserSummary) -> Result<Role, Problem> {
    let request = GetProfileRequest {
        username: user.username.clone(),
    };
    let answer = rest
        .peers
        .auth(me.context())
        .get_profile(request)
        .await
        .answer()?;
    Ok(present(answer.user, "user")?.role())
}

fn user_id(request: &HttpRequest) -> Result<UserId, FieldError> {
    segment(request, "userId")
        .parse()
        .map_err(|_| FieldError::invalid_id("userId"))
}
