//! A room's rules.

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::StreamId;
use proto::chat::v1::{BlockedWords, GetSettingsRequest, UpdateSettingsRequest};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::extract::{Id, Json};
use crate::inbound::rest::field::whole;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::SettingsShape;
use crate::outbound::peers::{Answer, present};

/// New rules; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatSettingsChange)]
pub(in crate::inbound::rest) struct Change {
    /// 0 to 3,600; 0 for no pause.
    #[serde(default, deserialize_with = "whole")]
    slow_mode_seconds: Option<u32>,
    followers_only: Option<bool>,
    /// All of them: at most 200, of 1 to 50 characters. Found as whole words, whatever the case and the
    /// accents.
    blocked_words: Option<Vec<String>>,
}

/// A room's rules. `blockedWords` only for the owner, moderators and admins.
#[utoipa::path(get, path = "/api/chat/{streamId}/settings", tag = "chat", operation_id = "getChatSettings",
    security((), ("bearer" = [])), params(("streamId" = i64, Path)), responses((status = 200, body = SettingsShape)))]
pub(in crate::inbound::rest) async fn get(
    rest: Data<Rest>,
    caller: Caller,
    Id(stream): Id<StreamId>,
) -> Result<HttpResponse, Problem> {
    let request = GetSettingsRequest { stream_id: stream.0 };
    let answer = rest
        .peers
        .chat(caller.context())
        .get_settings(request)
        .await
        .answer()?;
    let settings = present(answer.settings, "settings")?;
    Ok(HttpResponse::Ok().json(SettingsShape::from(settings)))
}

/// Changes a room's rules: for the owner, moderators and admins. The room is told.
#[utoipa::path(put, path = "/api/chat/{streamId}/settings", tag = "chat", operation_id = "updateChatSettings",
    security(("bearer" = [])), params(("streamId" = i64, Path)), request_body = Change,
    responses((status = 200, body = SettingsShape)))]
pub(in crate::inbound::rest) async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    Json(change): Json<Change>,
) -> Result<HttpResponse, Problem> {
    let request = UpdateSettingsRequest {
        stream_id: stream.0,
        slow_mode_seconds: change.slow_mode_seconds,
        followers_only: change.followers_only,
        blocked_words: change.blocked_words.map(|words| BlockedWords { words }),
    };
    let answer = rest
        .peers
        .chat(me.context())
        .update_settings(request)
        .await
        .answer()?;
    let settings = present(answer.settings, "settings")?;
    Ok(HttpResponse::Ok().json(SettingsShape::from(settings)))
}
