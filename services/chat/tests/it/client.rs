//! Client calls that moderate the live room.

use proto::auth::v1::Role;
use proto::chat::v1::{
    AddModeratorRequest, Ban, BanUserRequest, BlockedWords, DeleteMessageRequest, GetSettingsRequest,
    ListBansRequest, ListLogRequest, ListLogResponse, ListModeratorsRequest, LogEntry,
    RemoveModeratorRequest, Settings, UnbanUserRequest, UpdateSettingsRequest,
};
use proto::common::v1::PageRequest;
use tonic::Status;

use crate::world::{Client, LIVE};

impl Client {
    pub(crate) async fn ban(&self, user: i64, seconds: Option<u32>) -> Result<Ban, Status> {
        self.ban_with_role(user, Role::User, seconds).await
    }

    pub(crate) async fn ban_with_role(
        &self,
        user: i64,
        role: Role,
        seconds: Option<u32>,
    ) -> Result<Ban, Status> {
        let request = BanUserRequest {
            stream_id: LIVE,
            user_id: user,
            seconds,
            reason: "spam".to_owned(),
            role: role.into(),
        };
        let response = self.rpc.clone().ban_user(request).await?;
        Ok(response.into_inner().ban.unwrap())
    }

    pub(crate) async fn unban(&self, user: i64) -> Result<(), Status> {
        let request = UnbanUserRequest {
            stream_id: LIVE,
            user_id: user,
        };
        self.rpc.clone().unban_user(request).await.map(drop)
    }

    pub(crate) async fn bans(&self) -> Result<Vec<i64>, Status> {
        let request = ListBansRequest {
            stream_id: LIVE,
            page: None,
        };
        let response = self.rpc.clone().list_bans(request).await?.into_inner();
        Ok(response.bans.iter().map(|ban| ban.user_id).collect())
    }

    pub(crate) async fn add_moderator(&self, user: i64) -> Result<(), Status> {
        let request = AddModeratorRequest {
            stream_id: LIVE,
            user_id: user,
        };
        self.rpc.clone().add_moderator(request).await.map(drop)
    }

    pub(crate) async fn remove_moderator(&self, user: i64) -> Result<(), Status> {
        let request = RemoveModeratorRequest {
            stream_id: LIVE,
            user_id: user,
        };
        self.rpc.clone().remove_moderator(request).await.map(drop)
    }

    pub(crate) async fn moderators(&self) -> Result<Vec<i64>, Status> {
        let request = ListModeratorsRequest {
            stream_id: LIVE,
            page: None,
        };
        let response = self.rpc.clone().list_moderators(request).await?.into_inner();
        Ok(response
            .moderators
            .iter()
            .map(|moderator| moderator.user_id)
            .collect())
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<(), Status> {
        let request = DeleteMessageRequest {
            stream_id: LIVE,
            id: id.to_owned(),
        };
        self.rpc.clone().delete_message(request).await.map(drop)
    }

    pub(crate) async fn settings(&self) -> Result<Settings, Status> {
        let request = GetSettingsRequest { stream_id: LIVE };
        let response = self.rpc.clone().get_settings(request).await?;
        Ok(response.into_inner().settings.unwrap())
    }

    pub(crate) async fn update_settings(
        &self,
        slow_mode_seconds: Option<u32>,
        followers_only: Option<bool>,
        words: Option<&[&str]>,
    ) -> Result<Settings, Status> {
        let words = words.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        let request = UpdateSettingsRequest {
            stream_id: LIVE,
            slow_mode_seconds,
            followers_only,
            blocked_words: words.map(|words| BlockedWords { words }),
        };
        let response = self.rpc.clone().update_settings(request).await?;
        Ok(response.into_inner().settings.unwrap())
    }

    pub(crate) async fn slow_mode(&self, seconds: u32) {
        self.update_settings(Some(seconds), None, None).await.unwrap();
    }

    pub(crate) async fn log(&self) -> Result<Vec<LogEntry>, Status> {
        Ok(self.log_page(1, 100, None).await?.entries)
    }

    pub(crate) async fn log_page(
        &self,
        page: u32,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<ListLogResponse, Status> {
        let request = ListLogRequest {
            stream_id: LIVE,
            page: Some(PageRequest { page, limit, cursor }),
        };
        Ok(self.rpc.clone().list_log(request).await?.into_inner())
    }
}
