//! Chat bans, moderators and the log of a room.

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::{Error, ErrorKind, PageRequest};
use proto::auth::v1::{GetProfileRequest, GetUsersRequest, Role, UserSummary};
use proto::chat::v1::{
    AddModeratorRequest, BanUserRequest, ListBansRequest, ListLogRequest, ListModeratorsRequest,
    RemoveModeratorRequest, UnbanUserRequest,
};

use crate::inbound::field::BodyId;
use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::dto::{
    ByRoom, ByRoomUser, ChatBan, ChatBanList, ChatBanned, ChatLog, ChatLogEntry, ChatModerator,
    ChatModeratorAdded, ChatModeratorList, Done, NewChatBan, NewChatModerator, PageQuery, Totals,
};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Json, Path, Query};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(
        api,
        bans,
        ban,
        unban,
        moderators,
        add_moderator,
        remove_moderator,
        log
    );
}

/// Lists the current bans of a chat room, newest first.
///
/// Only for the owner, moderators and admins.
#[utoipa::path(get, path = "/chat/{streamId}/bans", operation_id = "listChatBans",
    responses((status = 200, body = ChatBanList)))]
async fn bans(
    rest: Data<Rest>,
    me: SignedIn,
    Path(room): Path<ByRoom>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = PageRequest::from(page);
    let request = ListBansRequest {
        stream_id: room.stream_id.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest.peers.chat(me.context()).list_bans(request).await.answer()?;
    let ids = answer.bans.iter().map(|ban| ban.user_id);
    let mut people = rest.people.of(ids, me.context()).await;
    let bans = answer.bans.into_iter().map(|ban| {
        let user = people.remove(&ban.user_id);
        ChatBan::new(ban, user)
    });
    Ok(HttpResponse::Ok().json(ChatBanList {
        bans: bans.collect(),
        totals: Totals::new(&page, answer.page),
    }))
}

/// Bans a user from chat, permanently or for a time, and notifies the room.
///
/// Only for the owner, moderators and admins. The owner and admins cannot be banned, nor can moderators ban
/// each other (403 with `chat.user_protected`).
#[utoipa::path(post, path = "/chat/{streamId}/bans", operation_id = "banFromChat",
    responses((status = 201, body = ChatBanned)))]
async fn ban(
    rest: Data<Rest>,
    me: SignedIn,
    Path(room): Path<ByRoom>,
    Json(body): Json<NewChatBan>,
) -> Result<HttpResponse, Problem> {
    let user = user(&rest, &me, body.user_id).await?;
    let request = BanUserRequest {
        stream_id: room.stream_id.0,
        user_id: user.id,
        seconds: body.seconds.map(|seconds| seconds.0),
        reason: body.reason.unwrap_or_default().0,
        role: role(&rest, &me, &user).await?.into(),
    };
    let answer = rest.peers.chat(me.context()).ban_user(request).await.answer()?;
    let ban = present(answer.ban, "ban")?;
    Ok(HttpResponse::Created().json(ChatBanned {
        message: "User banned from chat.",
        ban: ChatBan::new(ban, Some(user.into())),
    }))
}

/// Lifts a chat ban.
///
/// Only for the owner, moderators and admins.
#[utoipa::path(delete, path = "/chat/{streamId}/bans/{userId}", operation_id = "unbanFromChat",
    responses((status = 200, body = Done)))]
async fn unban(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ByRoomUser { stream_id, user_id }): Path<ByRoomUser>,
) -> Result<HttpResponse, Problem> {
    let request = UnbanUserRequest {
        stream_id: stream_id.0,
        user_id: user_id.0,
    };
    rest.peers.chat(me.context()).unban_user(request).await.answer()?;
    Ok(HttpResponse::Ok().json(Done::new("Ban lifted.")))
}

/// Lists the moderators of a chat room, newest first.
///
/// Only for the owner, moderators and admins.
#[utoipa::path(get, path = "/chat/{streamId}/moderators", operation_id = "listChatModerators",
    responses((status = 200, body = ChatModeratorList)))]
async fn moderators(
    rest: Data<Rest>,
    me: SignedIn,
    Path(room): Path<ByRoom>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = PageRequest::from(page);
    let request = ListModeratorsRequest {
        stream_id: room.stream_id.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest
        .peers
        .chat(me.context())
        .list_moderators(request)
        .await
        .answer()?;
    let ids = answer.moderators.iter().map(|moderator| moderator.user_id);
    let mut people = rest.people.of(ids, me.context()).await;
    let moderators = answer.moderators.iter();
    Ok(HttpResponse::Ok().json(ChatModeratorList {
        moderators: moderators
            .map(|moderator| ChatModerator::new(moderator, people.remove(&moderator.user_id)))
            .collect(),
        totals: Totals::new(&page, answer.page),
    }))
}

/// Appoints a moderator of a chat room.
///
/// Idempotent. Only for the owner and admins.
#[utoipa::path(post, path = "/chat/{streamId}/moderators", operation_id = "addChatModerator",
    responses((status = 201, body = ChatModeratorAdded)))]
async fn add_moderator(
    rest: Data<Rest>,
    me: SignedIn,
    Path(room): Path<ByRoom>,
    Json(body): Json<NewChatModerator>,
) -> Result<HttpResponse, Problem> {
    let user = user(&rest, &me, body.user_id).await?;
    let request = AddModeratorRequest {
        stream_id: room.stream_id.0,
        user_id: user.id,
    };
    let answer = rest
        .peers
        .chat(me.context())
        .add_moderator(request)
        .await
        .answer()?;
    let moderator = present(answer.moderator, "moderator")?;
    Ok(HttpResponse::Created().json(ChatModeratorAdded {
        message: "Moderator added.",
        moderator: ChatModerator::new(&moderator, Some(user.into())),
    }))
}

/// Dismisses a moderator of a chat room.
///
/// Only for the owner and admins.
#[utoipa::path(delete, path = "/chat/{streamId}/moderators/{userId}", operation_id = "removeChatModerator",
    responses((status = 200, body = Done)))]
async fn remove_moderator(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ByRoomUser { stream_id, user_id }): Path<ByRoomUser>,
) -> Result<HttpResponse, Problem> {
    let request = RemoveModeratorRequest {
        stream_id: stream_id.0,
        user_id: user_id.0,
    };
    rest.peers
        .chat(me.context())
        .remove_moderator(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Done::new("Moderator removed.")))
}

/// Lists the moderation log of a chat room, newest first.
///
/// Only for the owner, moderators and admins.
#[utoipa::path(get, path = "/chat/{streamId}/log", operation_id = "listChatLog",
    responses((status = 200, body = ChatLog)))]
async fn log(
    rest: Data<Rest>,
    me: SignedIn,
    Path(room): Path<ByRoom>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = PageRequest::from(page);
    let request = ListLogRequest {
        stream_id: room.stream_id.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest.peers.chat(me.context()).list_log(request).await.answer()?;
    let entries = answer.entries.iter();
    let ids = entries.flat_map(|entry| [Some(entry.actor_id), entry.user_id]);
    let people = rest.people.of(ids.flatten(), me.context()).await;
    let entries = answer.entries.into_iter();
    Ok(HttpResponse::Ok().json(ChatLog {
        log: entries.map(|entry| ChatLogEntry::new(entry, &people)).collect(),
        totals: Totals::new(&page, answer.page),
    }))
}

/// Returns an account from auth itself: the cache of names cannot tell an unknown user from an unavailable
/// service.
async fn user(rest: &Rest, me: &SignedIn, id: BodyId) -> Result<UserSummary, Problem> {
    let request = GetUsersRequest { ids: vec![id.0] };
    let answer = rest.peers.auth(me.context()).get_users(request).await.answer()?;
    let not_found = || Error::new(ErrorKind::NotFound, "user.not_found", "User not found.");
    Ok(answer.users.into_iter().next().ok_or_else(not_found)?)
}

/// Returns the current role of an account, which decides what chat allows.
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
