//! Bans, moderators and the moderation log.

use primitives::{FieldError, Role, UserId};
use proto::auth::v1 as auth;
use proto::chat::v1::{
    AddModeratorRequest, AddModeratorResponse, BanUserRequest, BanUserResponse, ListBansRequest,
    ListBansResponse, ListLogRequest, ListLogResponse, ListModeratorsRequest, ListModeratorsResponse,
    RemoveModeratorRequest, RemoveModeratorResponse, UnbanUserRequest, UnbanUserResponse,
};
use proto::{Caller, page};

use super::actor::{Actor, user_id};
use crate::app::App;
use crate::domain::{BanOrder, Membership, Standing};
use crate::error::{Error, Result};
use crate::outbound::push;
use crate::store::bans::{Unban, bans_list};
use crate::store::log::log_list;
use crate::store::moderators::{AddModerator, RemoveModerator, moderators_list};

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
        return Err(Error::UserProtected);
    }
    let row = actor.run(app, order).await?;
    app.access.invalidate_user(actor.stream, user).await;
    push::user_banned(&app.realtime, actor.stream, user, row.expires_at());
    Ok(BanUserResponse {
        ban: Some(row.into()),
    })
}

/// Returns the standing of the user to ban, without regard to an existing ban: otherwise a moderator could
/// replace the owner's ban of another moderator.
async fn target(app: &App, actor: &Actor<'_>, user: UserId, role: Role) -> Result<Standing> {
    let membership = Membership {
        banned: false,
        ..app.access.membership(actor.stream, user).await?
    };
    Ok(Standing::of(user, role, actor.owner, membership))
}

pub(super) async fn unban(
    app: &App,
    caller: &Caller,
    request: UnbanUserRequest,
) -> Result<UnbanUserResponse> {
    let actor = Actor::moderator(app, caller, request.stream_id).await?;
    let user = user_id(request.user_id)?;
    actor.run(app, Unban(user)).await?;
    app.access.invalidate_user(actor.stream, user).await;
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
        return Err(FieldError::new("userId", "is_owner", "is the owner of the stream").into());
    }
    let moderator = actor.run(app, AddModerator(user)).await?;
    app.access.invalidate_user(actor.stream, user).await;
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
    actor.run(app, RemoveModerator(user)).await?;
    app.access.invalidate_user(actor.stream, user).await;
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
    match auth::Role::try_from(role) {
        Ok(auth::Role::User) => Ok(Role::User),
        Ok(auth::Role::Moderator) => Ok(Role::Moderator),
        Ok(auth::Role::Admin) => Ok(Role::Admin),
        Ok(auth::Role::Unspecified) | Err(_) => {
            Err(FieldError::not_one_of("role", &["user", "moderator", "admin"]).into())
        }
    }
}
