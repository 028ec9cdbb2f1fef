//! The gRPC service.

use std::sync::Arc;
use std::time::Duration;

use domain::{FieldError, StreamId};
use futures::{StreamExt, TryStreamExt, stream};
use identity::ServiceName;
use proto::chat::v1::chat_service_server::ChatService;
use proto::chat::v1::list_messages_request::From;
use proto::chat::v1::{
    DeleteMessageRequest, DeleteMessageResponse, HeadsRequest, HeadsResponse, ListMessagesRequest,
    ListMessagesResponse, Message as MessageMessage, RoomHead, SendMessageRequest, SendMessageResponse,
};
use proto::{Caller, IntoStatus};
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::domain::{Draft, MessageId, may_delete};
use crate::error::{Error, Result};
use crate::outbound::push;
use crate::store::messages::{Message, Range, message_delete, message_get, messages_head, messages_list};

/// Who may call what.
pub const CALLERS: &[(&str, &[ServiceName])] = &[
    ("SendMessage", &[ServiceName::Gateway]),
    ("ListMessages", &[ServiceName::Gateway]),
    ("Heads", &[ServiceName::Gateway]),
    ("DeleteMessage", &[ServiceName::Gateway]),
];

/// How long a message may take in all; its sender is told within 3 s that it failed.
const SEND: Duration = Duration::from_millis(2600);
/// Most messages in one answer.
const MAX_LIMIT: u32 = 500;
/// Most rooms in one question.
const MAX_ROOMS: usize = 1000;
/// Rooms that one question looks up at the same time.
const ROOMS_AT_ONCE: usize = 8;

/// Answers from the store.
pub struct Rpc(pub Arc<App>);

#[tonic::async_trait]
impl ChatService for Rpc {
    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<SendMessageResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = send(&self.0, &caller, request.into_inner())
            .await
            .map_err(IntoStatus::into_status)?;
        Ok(Response::new(SendMessageResponse {
            message: Some(message_of(message)),
        }))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        list(&self.0, request.into_inner())
            .await
            .map(Response::new)
            .map_err(IntoStatus::into_status)
    }

    async fn heads(&self, request: Request<HeadsRequest>) -> Result<Response<HeadsResponse>, Status> {
        heads(&self.0, request.into_inner())
            .await
            .map(Response::new)
            .map_err(IntoStatus::into_status)
    }

    async fn delete_message(
        &self,
        request: Request<DeleteMessageRequest>,
    ) -> Result<Response<DeleteMessageResponse>, Status> {
        let caller = Caller::of(&request)?;
        delete(&self.0, &caller, request.into_inner())
            .await
            .map_err(IntoStatus::into_status)?;
        Ok(Response::new(DeleteMessageResponse {}))
    }
}

async fn send(app: &App, caller: &Caller, request: SendMessageRequest) -> Result<Message> {
    let user = caller.user()?;
    let stream = stream_id(request.stream_id)?;
    let draft = Draft::parse(
        user.id,
        &user.username,
        &request.message,
        request.client_message_id,
    )?;
    let until = Instant::from_std(caller.deadline).min(Instant::now() + SEND);
    let allowed = async {
        app.rooms.live(stream).await?;
        app.rates.take(user.id).await
    };
    let late = |_| Error::Unavailable("whether the room is live was not known in time".to_owned());
    timeout_at(until, allowed).await.map_err(late)??;
    app.writer.post(stream, draft, until).await
}

async fn list(app: &App, request: ListMessagesRequest) -> Result<ListMessagesResponse> {
    let stream = stream_id(request.stream_id)?;
    if !(1..=MAX_LIMIT).contains(&request.limit) {
        return Err(FieldError::new("limit", format!("must be 1 to {MAX_LIMIT}")).into());
    }
    let range = match request.from {
        None => Range::Page(1),
        Some(From::Page(0)) => return Err(FieldError::new("page", "must be at least 1").into()),
        Some(From::Page(page)) => Range::Page(page),
        Some(From::BeforeSeq(seq)) => Range::Before(seq),
        Some(From::AfterSeq(seq)) if seq < 0 => {
            return Err(FieldError::new("afterSeq", "must not be negative").into());
        }
        Some(From::AfterSeq(seq)) => Range::After(seq),
    };
    let listed = messages_list(&app.mongo, stream, range, request.limit).await?;
    Ok(ListMessagesResponse {
        messages: listed.messages.into_iter().map(message_of).collect(),
        truncated: listed.truncated,
        head: listed.head,
        // Numbers have no holes, so the last one is the count.
        total_messages: u64::try_from(listed.head).unwrap_or(0),
    })
}

async fn heads(app: &App, request: HeadsRequest) -> Result<HeadsResponse> {
    if request.stream_ids.len() > MAX_ROOMS {
        return Err(FieldError::new("streamIds", format!("must be at most {MAX_ROOMS}")).into());
    }
    let ids: Vec<StreamId> = request
        .stream_ids
        .into_iter()
        .map(stream_id)
        .collect::<Result<_>>()?;
    let heads = stream::iter(ids)
        .map(|stream| async move {
            // Gateways ask for the same rooms at the same time.
            let seq = app
                .heads
                .try_get_with(stream, messages_head(&app.mongo, stream))
                .await;
            let seq = seq.map_err(|error: Arc<Error>| (*error).clone())?;
            Ok::<_, Error>(RoomHead {
                stream_id: stream.0,
                seq,
            })
        })
        .buffered(ROOMS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(HeadsResponse { heads })
}

async fn delete(app: &App, caller: &Caller, request: DeleteMessageRequest) -> Result<()> {
    let user = caller.user()?;
    let stream = stream_id(request.stream_id)?;
    let id = MessageId::parse(request.id)?;
    let message = message_get(&app.mongo, stream, id.as_str())
        .await?
        .ok_or(Error::NoMessage)?;
    // The owner is only looked up for those whose right hangs on it.
    if !may_delete(user.id, user.role, message.author(), None) {
        let owner = app.rooms.owner(stream).await?;
        if !may_delete(user.id, user.role, message.author(), owner) {
            return Err(Error::NotAllowed);
        }
    }
    if message_delete(&app.mongo, &message, user.id, app.clock.now()).await? {
        push::message_deleted(&app.realtime, stream, &message);
    }
    Ok(())
}

fn stream_id(id: i64) -> Result<StreamId> {
    Ok(StreamId::try_from(id).map_err(|invalid| FieldError::new("streamId", invalid.to_string()))?)
}

fn message_of(message: Message) -> MessageMessage {
    MessageMessage {
        stream_id: message.stream_id.parse().unwrap_or(0),
        user_id: message.author().0,
        timestamp: Some(proto::time::timestamp(message.time())),
        id: message.id,
        seq: message.seq,
        username: message.username,
        message: message.message,
        deleted: message.deleted_at.is_some(),
    }
}
