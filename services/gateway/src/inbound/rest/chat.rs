//! Chat over HTTP: the same messages as over sockets.

pub(super) mod moderation;
pub(super) mod settings;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use primitives::{FieldError, StreamId};
use proto::chat::v1::list_messages_request::From as Start;
use proto::chat::v1::{DeleteMessageRequest, ListMessagesRequest, SendMessageRequest};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::hub::line::Line;
use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::extract::{Id, Json, PageQuery, Query, number, segment};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{ChatPageShape, DoneShape, SentShape};
use crate::outbound::peers::{Answer, present};

/// Which messages are asked for.
#[derive(Deserialize)]
pub(super) struct Window {
    page: Option<String>,
    limit: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// What somebody says.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Saying {
    /// 1 to 500 characters.
    message: String,
    /// Makes a retry safe: the same id is the same message.
    client_message_id: Option<String>,
}

/// A room's messages: a page from the newest back, or those before or after a message. Deleted ones are left
/// out.
#[utoipa::path(get, path = "/api/chat/{streamId}/messages", tag = "chat", operation_id = "listMessages",
    security((), ("bearer" = [])),
    params(("streamId" = i64, Path), ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query),
        ("before" = Option<i64>, Query, description = "The newest below this seq"),
        ("after" = Option<i64>, Query, description = "The oldest above this seq")),
    responses((status = 200, body = ChatPageShape)))]
pub(super) async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Id(stream): Id<StreamId>,
    Query(window): Query<Window>,
) -> Result<HttpResponse, Problem> {
    let page_query = PageQuery {
        page: window.page.clone(),
        limit: window.limit,
        cursor: None,
    };
    let limit = page_query.parse()?.limit;
    let page = number("page", window.page.as_deref())?.unwrap_or(1);
    let before = number::<i64>("before", window.before.as_deref())?;
    let after = number::<i64>("after", window.after.as_deref())?;
    let from = match (before, after) {
        (Some(_), Some(_)) => {
            return Err(FieldError::new("after", "invalid", "does not go with before").into());
        }
        (Some(seq), None) => Start::BeforeSeq(seq),
        (None, Some(seq)) => Start::AfterSeq(seq),
        (None, None) => Start::Page(page),
    };
    let by_page = matches!(from, Start::Page(_));
    let request = ListMessagesRequest {
        stream_id: stream.0,
        limit,
        from: Some(from),
    };
    let answer = rest
        .peers
        .chat(caller.context())
        .list_messages(request)
        .await
        .answer()?;
    let shown = answer.messages.into_iter().filter(|message| !message.deleted);
    let total = answer.total_messages;
    Ok(HttpResponse::Ok().json(ChatPageShape {
        message: "Messages, oldest first.",
        data: shown.map(|message| Line::from(&message)).collect(),
        truncated: answer.truncated,
        total_messages: by_page.then_some(total),
        total_pages: by_page.then_some(total.div_ceil(u64::from(limit))),
        current_page: by_page.then_some(page),
    }))
}

/// Says something in a room. 403 with `chat.banned`, `chat.followers_only` or `chat.word_blocked`, and 429
/// with `chat.slow_mode` or `chat.rate_limited`, say why not.
#[utoipa::path(post, path = "/api/chat/{streamId}/messages", tag = "chat", operation_id = "sendMessage",
    security(("bearer" = [])), params(("streamId" = i64, Path)), request_body = Saying,
    responses((status = 201, body = SentShape)))]
pub(super) async fn send(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    Json(saying): Json<Saying>,
) -> Result<HttpResponse, Problem> {
    let Saying {
        message,
        client_message_id,
    } = saying;
    let request = SendMessageRequest {
        stream_id: stream.0,
        message,
        client_message_id,
    };
    let answer = rest
        .peers
        .chat(me.context())
        .send_message(request)
        .await
        .answer()?;
    let data = Line::from(&present(answer.message, "message")?);
    Ok(HttpResponse::Created().json(SentShape {
        message: "Sent.",
        data,
    }))
}

/// Deletes a message: one's own, or any for the owner of the stream, moderators and admins.
#[utoipa::path(delete, path = "/api/chat/{streamId}/messages/{messageId}", tag = "chat", operation_id = "deleteMessage",
    security(("bearer" = [])), params(("streamId" = i64, Path), ("messageId" = String, Path)),
    responses((status = 200, body = DoneShape)))]
pub(super) async fn delete(
    rest: Data<Rest>,
    me: SignedIn,
    Id(stream): Id<StreamId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let request = DeleteMessageRequest {
        stream_id: stream.0,
        id: segment(&request, "messageId"),
    };
    rest.peers
        .chat(me.context())
        .delete_message(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(DoneShape::new("The message is deleted.")))
}
