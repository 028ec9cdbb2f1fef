//! Chat over HTTP: the same messages as over sockets.

mod moderation;
mod settings;

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::FieldError;
use proto::chat::v1::list_messages_request::From as Start;
use proto::chat::v1::{DeleteMessageRequest, ListMessagesRequest, SendMessageRequest};

use crate::event::ChatMessage;
use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::dto::{ByMessage, ByRoom, ChatPage, ChatSent, Done, MessageQuery, SendMessage};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Json, Path, Query};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, list, send, delete);
    settings::endpoints(api);
    moderation::endpoints(api);
}

/// Lists messages of a room: a page, counted from the newest message, or the messages before or after a
/// sequence number.
///
/// Deleted messages are left out.
#[utoipa::path(get, path = "/chat/{streamId}/messages", operation_id = "listMessages",
    responses((status = 200, body = ChatPage)))]
async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Path(room): Path<ByRoom>,
    Query(query): Query<MessageQuery>,
) -> Result<HttpResponse, Problem> {
    let (page, limit) = (query.page.0, query.limit.0);
    let from = match (query.before, query.after) {
        (Some(_), Some(_)) => {
            let conflict = FieldError::new("after", "conflict", "cannot be combined with before");
            return Err(conflict.with("with", "before").into());
        }
        (Some(seq), None) => Start::BeforeSeq(seq.0),
        (None, Some(seq)) => Start::AfterSeq(seq.0),
        (None, None) => Start::Page(page),
    };
    let by_page = matches!(from, Start::Page(_));
    let request = ListMessagesRequest {
        stream_id: room.stream_id.0,
        limit,
        from: Some(from),
    };
    let answer = rest
        .peers
        .chat(caller.context())
        .list_messages(request)
        .await
        .answer()?;
    let shown = answer.messages.iter().filter(|message| !message.deleted);
    let total = answer.total_messages;
    Ok(HttpResponse::Ok().json(ChatPage {
        message: "Messages, oldest first.",
        data: shown.map(ChatMessage::from).collect(),
        truncated: answer.truncated,
        total_messages: by_page.then_some(total),
        total_pages: by_page.then_some(total.div_ceil(u64::from(limit))),
        current_page: by_page.then_some(page),
    }))
}

/// Sends a message to a room.
///
/// The codes `chat.banned`, `chat.followers_only` and `chat.word_blocked` (403), and `chat.slow_mode` and
/// `chat.rate_limited` (429) give the reason for a refusal.
#[utoipa::path(post, path = "/chat/{streamId}/messages", operation_id = "sendMessage",
    responses((status = 201, body = ChatSent)))]
async fn send(
    rest: Data<Rest>,
    me: SignedIn,
    Path(room): Path<ByRoom>,
    Json(body): Json<SendMessage>,
) -> Result<HttpResponse, Problem> {
    let request = SendMessageRequest {
        stream_id: room.stream_id.0,
        message: body.message.0,
        client_message_id: body.client_message_id.map(|id| id.0),
    };
    let answer = rest
        .peers
        .chat(me.context())
        .send_message(request)
        .await
        .answer()?;
    Ok(HttpResponse::Created().json(ChatSent {
        message: "Message sent.",
        data: ChatMessage::from(&present(answer.message, "message")?),
    }))
}

/// Deletes a message: one's own, or any as the owner of the stream, a moderator or an admin.
#[utoipa::path(delete, path = "/chat/{streamId}/messages/{messageId}", operation_id = "deleteMessage",
    responses((status = 200, body = Done)))]
async fn delete(
    rest: Data<Rest>,
    me: SignedIn,
    Path(message): Path<ByMessage>,
) -> Result<HttpResponse, Problem> {
    let request = DeleteMessageRequest {
        stream_id: message.stream_id.0,
        id: message.message_id,
    };
    rest.peers
        .chat(me.context())
        .delete_message(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Done::new("Message deleted.")))
}
