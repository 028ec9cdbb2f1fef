//! The settings of a chat room.

use actix_web::HttpResponse;
use actix_web::web::Data;
use proto::chat::v1::{self as chat, GetSettingsRequest, UpdateSettingsRequest};

use crate::inbound::field::BlockedWords;
use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::dto::{ByRoom, ChatSettings, ChatSettingsUpdate};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Json, Path};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, get, update);
}

/// Returns the settings of a room.
///
/// Only the owner, moderators and admins get `blockedWords`.
#[utoipa::path(get, path = "/chat/{streamId}/settings", operation_id = "getChatSettings",
    responses((status = 200, body = ChatSettings)))]
async fn get(rest: Data<Rest>, caller: Caller, Path(room): Path<ByRoom>) -> Result<HttpResponse, Problem> {
    let request = GetSettingsRequest {
        stream_id: room.stream_id.0,
    };
    let answer = rest
        .peers
        .chat(caller.context())
        .get_settings(request)
        .await
        .answer()?;
    let settings = present(answer.settings, "settings")?;
    Ok(HttpResponse::Ok().json(ChatSettings::from(settings)))
}

/// Updates the settings of a room and notifies the room.
///
/// Only for the owner, moderators and admins.
#[utoipa::path(put, path = "/chat/{streamId}/settings", operation_id = "updateChatSettings",
    responses((status = 200, body = ChatSettings)))]
async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    Path(room): Path<ByRoom>,
    Json(update): Json<ChatSettingsUpdate>,
) -> Result<HttpResponse, Problem> {
    let words = update.blocked_words.map(BlockedWords::into_words);
    let request = UpdateSettingsRequest {
        stream_id: room.stream_id.0,
        slow_mode_seconds: update.slow_mode_seconds.map(|seconds| seconds.0),
        followers_only: update.followers_only,
        blocked_words: words.map(|words| chat::BlockedWords { words }),
    };
    let answer = rest
        .peers
        .chat(me.context())
        .update_settings(request)
        .await
        .answer()?;
    let settings = present(answer.settings, "settings")?;
    Ok(HttpResponse::Ok().json(ChatSettings::from(settings)))
}
