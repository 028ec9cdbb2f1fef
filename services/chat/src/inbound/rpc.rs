//! The gRPC service.

mod answers;
mod messages;
mod moderation;
mod settings;

use std::sync::Arc;

use identity::{ServiceName, User};
use primitives::{FieldError, StreamId, UserId};
use proto::chat::v1::chat_service_server::ChatService;
use proto::chat::v1::{
    AddModeratorRequest, AddModeratorResponse, BanUserRequest, BanUserResponse, DeleteMessageRequest,
    DeleteMessageResponse, GetSettingsRequest, GetSettingsResponse, HeadsRequest, HeadsResponse,
    ListBansRequest, ListBansResponse, ListLogRequest, ListLogResponse, ListMessagesRequest,
    ListMessagesResponse, ListModeratorsRequest, ListModeratorsResponse, RemoveModeratorRequest,
    RemoveModeratorResponse, SendMessageRequest, SendMessageResponse, UnbanUserRequest, UnbanUserResponse,
    UpdateSettingsRequest, UpdateSettingsResponse,
};
use proto::{Caller, IntoStatus};
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::domain::Standing;
use crate::error::{Error, Result};
use crate::store::acts::{self, Act, Acting};

/// Who may call what.
pub const CALLERS: &[(&str, &[ServiceName])] = &[
    ("SendMessage", &[ServiceName::Gateway]),
    ("ListMessages", &[ServiceName::Gateway]),
    ("Heads", &[ServiceName::Gateway]),
    ("DeleteMessage", &[ServiceName::Gateway]),
    ("GetSettings", &[ServiceName::Gateway]),
    ("UpdateSettings", &[ServiceName::Gateway]),
    ("ListBans", &[ServiceName::Gateway]),
    ("BanUser", &[ServiceName::Gateway]),
    ("UnbanUser", &[ServiceName::Gateway]),
    ("ListModerators", &[ServiceName::Gateway]),
    ("AddModerator", &[ServiceName::Gateway]),
    ("RemoveModerator", &[ServiceName::Gateway]),
    ("ListLog", &[ServiceName::Gateway]),
];

/// Answers from the store.
pub struct Rpc(pub Arc<App>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ChatService for Rpc {
    async fn send_message(&self, request: Request<SendMessageRequest>) -> Answer<SendMessageResponse> {
        let caller = Caller::of(&request)?;
        answer(messages::send(&self.0, &caller, request.into_inner()).await)
    }

    async fn list_messages(&self, request: Request<ListMessagesRequest>) -> Answer<ListMessagesResponse> {
        answer(messages::list(&self.0, request.into_inner()).await)
    }

    async fn heads(&self, request: Request<HeadsRequest>) -> Answer<HeadsResponse> {
        answer(messages::heads(&self.0, request.into_inner()).await)
    }

    async fn delete_message(&self, request: Request<DeleteMessageRequest>) -> Answer<DeleteMessageResponse> {
        let caller = Caller::of(&request)?;
        answer(messages::delete(&self.0, &caller, request.into_inner()).await)
    }

    async fn get_settings(&self, request: Request<GetSettingsRequest>) -> Answer<GetSettingsResponse> {
        let caller = Caller::of(&request)?;
        answer(settings::get(&self.0, &caller, request.into_inner()).await)
    }

    async fn update_settings(
        &self,
        request: Request<UpdateSettingsRequest>,
    ) -> Answer<UpdateSettingsResponse> {
        let caller = Caller::of(&request)?;
        answer(settings::update(&self.0, &caller, request.into_inner()).await)
    }

    async fn list_bans(&self, request: Request<ListBansRequest>) -> Answer<ListBansResponse> {
        let caller = Caller::of(&request)?;
        answer(moderation::list_bans(&self.0, &caller, request.into_inner()).await)
    }

    async fn ban_user(&self, request: Request<BanUserRequest>) -> Answer<BanUserResponse> {
        let caller = Caller::of(&request)?;
        answer(moderation::ban(&self.0, &caller, request.into_inner()).await)
    }

    async fn unban_user(&self, request: Request<UnbanUserRequest>) -> Answer<UnbanUserResponse> {
        let caller = Caller::of(&request)?;
        answer(moderation::unban(&self.0, &caller, request.into_inner()).await)
    }

    async fn list_moderators(
        &self,
        request: Request<ListModeratorsRequest>,
    ) -> Answer<ListModeratorsResponse> {
        let caller = Caller::of(&request)?;
        answer(moderation::list_moderators(&self.0, &caller, request.into_inner()).await)
    }

    async fn add_moderator(&self, request: Request<AddModeratorRequest>) -> Answer<AddModeratorResponse> {
        let caller = Caller::of(&request)?;
        answer(moderation::add_moderator(&self.0, &caller, request.into_inner()).await)
    }

    async fn remove_moderator(
        &self,
        request: Request<RemoveModeratorRequest>,
    ) -> Answer<RemoveModeratorResponse> {
        let caller = Caller::of(&request)?;
        answer(moderation::remove_moderator(&self.0, &caller, request.into_inner()).await)
    }

    async fn list_log(&self, request: Request<ListLogRequest>) -> Answer<ListLogResponse> {
        let caller = Caller::of(&request)?;
        answer(moderation::list_log(&self.0, &caller, request.into_inner()).await)
    }
}

fn answer<T>(result: Result<T>) -> Answer<T> {
    result.map(Response::new).map_err(IntoStatus::into_status)
}

/// Who acts in a room.
struct Actor<'a> {
    user: &'a User,
    stream: StreamId,
    owner: UserId,
    standing: Standing,
}

impl<'a> Actor<'a> {
    /// The caller, in a room that is there, live or not.
    async fn of(app: &App, caller: &'a Caller, stream: i64) -> Result<Self> {
        let (user, stream) = (caller.user()?, stream_id(stream)?);
        let owner = app.rooms.owner(stream).await?.ok_or(Error::NoStream)?;
        Ok(Self {
            user,
            stream,
            owner,
            standing: app.places.standing(stream, owner, user).await?,
        })
    }

    /// The caller, who has to moderate the room.
    async fn moderator(app: &App, caller: &'a Caller, stream: i64) -> Result<Self> {
        let actor = Self::of(app, caller, stream).await?;
        allowed(actor.standing.moderates(), actor)
    }

    /// The caller, who has to own the room, or everything.
    async fn owner(app: &App, caller: &'a Caller, stream: i64) -> Result<Self> {
        let actor = Self::of(app, caller, stream).await?;
        allowed(actor.standing.appoints(), actor)
    }

    /// Does something in the room, which the log remembers.
    async fn act<A: Act>(&self, app: &App, act: A) -> Result<A::Done> {
        let acting = Acting {
            stream: self.stream,
            actor: self.user.id,
            now: app.clock.now(),
        };
        acts::act(&app.mongo, acting, act).await
    }
}

fn allowed<T>(allowed: bool, what: T) -> Result<T> {
    if allowed { Ok(what) } else { Err(Error::NotAllowed) }
}

fn stream_id(id: i64) -> Result<StreamId> {
    Ok(StreamId::try_from(id).map_err(|_| FieldError::invalid_id("streamId"))?)
}

fn user_id(id: i64) -> Result<UserId> {
    Ok(UserId::try_from(id).map_err(|_| FieldError::invalid_id("userId"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_its_callers() {
        let text = include_str!("../../../../proto/airwave/chat/v1/chat.proto");
        let mut methods: Vec<_> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next())
            .collect();
        let mut listed: Vec<_> = CALLERS.iter().map(|(name, _)| *name).collect();
        methods.sort_unstable();
        listed.sort_unstable();
        assert_eq!(methods, listed);
    }
}
