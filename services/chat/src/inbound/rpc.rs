//! The gRPC service.

mod actor;
mod messages;
mod moderation;
mod responses;
mod settings;

use std::sync::Arc;

use identity::ServiceName;
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
use crate::error::Result;

/// The services that may call each method.
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

pub struct Rpc(pub Arc<App>);

type RpcResult<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ChatService for Rpc {
    async fn send_message(&self, request: Request<SendMessageRequest>) -> RpcResult<SendMessageResponse> {
        let caller = Caller::of(&request)?;
        respond(messages::send(&self.0, &caller, request.into_inner()).await)
    }

    async fn list_messages(&self, request: Request<ListMessagesRequest>) -> RpcResult<ListMessagesResponse> {
        respond(messages::list(&self.0, request.into_inner()).await)
    }

    async fn heads(&self, request: Request<HeadsRequest>) -> RpcResult<HeadsResponse> {
        respond(messages::heads(&self.0, request.into_inner()).await)
    }

    async fn delete_message(
        &self,
        request: Request<DeleteMessageRequest>,
    ) -> RpcResult<DeleteMessageResponse> {
        let caller = Caller::of(&request)?;
        respond(messages::delete(&self.0, &caller, request.into_inner()).await)
    }

    async fn get_settings(&self, request: Request<GetSettingsRequest>) -> RpcResult<GetSettingsResponse> {
        let caller = Caller::of(&request)?;
        respond(settings::get(&self.0, &caller, request.into_inner()).await)
    }

    async fn update_settings(
        &self,
        request: Request<UpdateSettingsRequest>,
    ) -> RpcResult<UpdateSettingsResponse> {
        let caller = Caller::of(&request)?;
        respond(settings::update(&self.0, &caller, request.into_inner()).await)
    }

    async fn list_bans(&self, request: Request<ListBansRequest>) -> RpcResult<ListBansResponse> {
        let caller = Caller::of(&request)?;
        respond(moderation::list_bans(&self.0, &caller, request.into_inner()).await)
    }

    async fn ban_user(&self, request: Request<BanUserRequest>) -> RpcResult<BanUserResponse> {
        let caller = Caller::of(&request)?;
        respond(moderation::ban(&self.0, &caller, request.into_inner()).await)
    }

    async fn unban_user(&self, request: Request<UnbanUserRequest>) -> RpcResult<UnbanUserResponse> {
        let caller = Caller::of(&request)?;
        respond(moderation::unban(&self.0, &caller, request.into_inner()).await)
    }

    async fn list_moderators(
        &self,
        request: Request<ListModeratorsRequest>,
    ) -> RpcResult<ListModeratorsResponse> {
        let caller = Caller::of(&request)?;
        respond(moderation::list_moderators(&self.0, &caller, request.into_inner()).await)
    }

    async fn add_moderator(&self, request: Request<AddModeratorRequest>) -> RpcResult<AddModeratorResponse> {
        let caller = Caller::of(&request)?;
        respond(moderation::add_moderator(&self.0, &caller, request.into_inner()).await)
    }

    async fn remove_moderator(
        &self,
        request: Request<RemoveModeratorRequest>,
    ) -> RpcResult<RemoveModeratorResponse> {
        let caller = Caller::of(&request)?;
        respond(moderation::remove_moderator(&self.0, &caller, request.into_inner()).await)
    }

    async fn list_log(&self, request: Request<ListLogRequest>) -> RpcResult<ListLogResponse> {
        let caller = Caller::of(&request)?;
        respond(moderation::list_log(&self.0, &caller, request.into_inner()).await)
    }
}

fn respond<T>(result: Result<T>) -> RpcResult<T> {
    result.map(Response::new).map_err(IntoStatus::into_status)
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
