//! Bans, moderators and the log.

use primitives::{FieldError, Role, UserId};
use proto::auth::v1::Role as RoleMessage;
use proto::chat::v1::{
    AddModeratorRequest, AddModeratorResponse, BanUserRequest, BanUserResponse, ListBansRequest,
    ListBansResponse, ListLogRequest, ListLogResponse, ListModeratorsRequest, ListModeratorsResponse,
    RemoveModeratorRequest, RemoveModeratorResponse, UnbanUserRequest, UnbanUserResponse,
};
use proto::{Caller, page};

use super::{Actor, user_id};
use crate::app::App;
use crate::domain::{BanOrder, Place, Standing};
use crate::error::{Error, Result};
use crate::outbound::push;
use crate::store::bans::{Unban, bans_list};
use crate::store::log::log_list;
use crate::store::moderators::{Appoint, Dismiss, moderators_list};

pub(super) async fn list_bans(
    app: &App,
    caller: &Caller,
    request: ListBansRequest,
) -> Result<ListBansResponse> {
    let actor = Actor::moderator(app, caller, request.stream_id).await?;
    let page = page::parse(request.page)?;
    let (bans, info) = bans_list(&app.mongo, actor.stream, &page, app.clock.now()).await?;
    Ok(ListBansResponse {
        bans: bans.into_iter().map(Into::into).collect(),
        page: Some(page::info(info)),
    })
}

pub(super) async fn ban(app: &App, caller: &Caller, request: BanUserRequest) -> Result<BanUserResponse> {
    let actor = Actor::moderator(app, caller, request.stream_id).await?;
    let role = role(request.role)?;
    let order = BanOrder::parse(user_id(request.user_id)?, request.seconds, &request.reason)?;
    let user = order.user;
    if !actor.standing.may_ban(target(app, &actor, user, role).await?) {
        return Err(Error::Protected);
    }
    let row = actor.act(app, order).await?;
    app.places.forget(actor.stream, user).await;
    push::user_banned(&app.realtime, actor.stream, user, row.expires_at());
    Ok(BanUserResponse {
        ban: Some(row.into()),
    })
}

/// What somebody is whom the caller wants to ban. One who is banned already is what they were before: a
/// moderator does not get to change the owner's ban of another.
async fn target(app: &App, actor: &Actor<'_>, user: UserId, role: Role) -> Result<Standing> {
    let place = Place {
        banned: false,
        ..app.places.place(actor.stream, user).await?
    };
    Ok(Standing::of(user, role, actor.owner, place))
}

pub(super) async fn unban(
    app: &App,
    caller: &Caller,
    request: UnbanUserRequest,
) -> Result<UnbanUserResponse> {
    let actor = Actor::moderator(app, caller, request.stream_id).await?;
    let user = user_id(request.user_id)?;
    actor.act(app, Unban(user)).await?;
    app.places.forget(actor.stream, user).await;
    Ok(UnbanUserResponse {})
}

pub(super) async fn list_moderators(
    app: &App,
    caller: &Caller,
    request: ListModeratorsRequest,
) -> Result<ListModeratorsResponse> {
    let actor = Actor::moderator(app, caller, request.stream_id).await?;
    let page = page::parse(request.page)?;
    let (moderators, info) = moderators_list(&app.mongo, actor.stream, &page).await?;
    Ok(ListModeratorsResponse {
        moderators: moderators.into_iter().map(Into::into).collect(),
        page: Some(page::info(info)),
    })
}

pub(super) async fn add_moderator(
    app: &App,
    caller: &Caller,
    request: AddModeratorRequest,
) -> Result<AddModeratorResponse> {
    let actor = Actor::owner(app, caller, request.stream_id).await?;
    let user = user_id(request.user_id)?;
    if user == actor.owner {
        return Err(FieldError::new("userId", "invalid", "is the owner").into());
    }
    let moderator = actor.act(app, Appoint(user)).await?;
    app.places.forget(actor.stream, user).await;
    Ok(AddModeratorResponse {
        moderator: Some(moderator.into()),
    })
}

pub(super) async fn remove_moderator(
    app: &App,
    caller: &Caller,
    request: RemoveModeratorRequest,
) -> Result<RemoveModeratorResponse> {
    let actor = Actor::owner(app, caller, request.stream_id).await?;
    let user = user_id(request.user_id)?;
    actor.act(app, Dismiss(user)).await?;
    app.places.forget(actor.stream, user).await;
    Ok(RemoveModeratorResponse {})
}

pub(super) async fn list_log(app: &App, caller: &Caller, request: ListLogRequest) -> Result<ListLogResponse> {
    let actor = Actor::moderator(app, caller, request.stream_id).await?;
    let page = page::parse(request.page)?;
    let (entries, info) = log_list(&app.mongo, actor.stream, &page).await?;
    Ok(ListLogResponse {
        entries: entries.into_iter().map(Into::into).collect(),
        page: Some(page::info(info)),
    })
}

fn role(role: i32) -> Result<Role> {
    match RoleMessage::try_from(role) {
        Ok(RoleMessage::User) => Ok(Role::User),
        Ok(RoleMessage::Moderator) => Ok(Role::Moderator),
        Ok(RoleMessage::Admin) => Ok(Role::Admin),
        Ok(RoleMessage::Unspecified) | Err(_) => Err(FieldError::new("role", "unknown", "is unknown").into()),
    }
}
