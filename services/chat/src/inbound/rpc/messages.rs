//! Sending, reading and deleting messages.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use identity::User;
use primitives::page::MAX_PAGE;
use primitives::{FieldError, StreamId, UserId};
use proto::Caller;
use proto::chat::v1::list_messages_request::From;
use proto::chat::v1::{
    DeleteMessageRequest, DeleteMessageResponse, HeadsRequest, HeadsResponse, ListMessagesRequest,
    ListMessagesResponse, RoomHead, SendMessageRequest, SendMessageResponse,
};
use tokio::time::{Instant, timeout_at};

use super::actor::{Actor, require, stream_id};
use crate::app::App;
use crate::domain::{Draft, MessageId, MessageRejection, may_delete};
use crate::error::{Error, Result};
use crate::outbound::push;
use crate::store::deletions::{DeleteMessage, message_delete};
use crate::store::messages::{Message, MessageRange, message_get, messages_list};

/// The limit of a send in all, so that its sender learns within 3 s that it failed.
const SEND_TIMEOUT: Duration = Duration::from_millis(2600);
/// Messages per response.
const MAX_LIMIT: u32 = 500;
/// Rooms per request.
const MAX_ROOMS: usize = 1000;
/// Rooms of one request that are read at the same time.
const CONCURRENCY: usize = 8;

pub(super) async fn send(
    app: &App,
    caller: &Caller,
    request: SendMessageRequest,
) -> Result<SendMessageResponse> {
    let user = caller.user()?;
    let stream = stream_id(request.stream_id)?;
    let draft = Draft::parse(
        user.id,
        &user.username,
        &request.message,
        request.client_message_id,
    )?;
    let deadline = caller.deadline.min(Instant::now() + SEND_TIMEOUT);
    let checks = async {
        let owner = app.rooms.live_owner(stream).await?;
        check_permission(app, user, stream, owner, &draft).await
    };
    let late = |_| Error::Unavailable("the message was not checked in time".to_owned());
    timeout_at(deadline, checks).await.map_err(late)??;
    let message = app.writer.post(stream, draft, deadline).await?;
    Ok(SendMessageResponse {
        message: Some(message.into()),
    })
}

/// Checks whether the user may send the message. The turn of slow mode is taken last, so that a message that
/// another check rejects does not use it up.
async fn check_permission(
    app: &App,
    user: &User,
    stream: StreamId,
    owner: UserId,
    draft: &Draft,
) -> Result<()> {
    let rules = app.access.rules(stream).await?;
    let standing = app.access.standing(stream, owner, user).await?;
    let conditions = match rules.settings.check(standing, &draft.text) {
        Ok(conditions) => conditions,
        Err(MessageRejection::BlockedWord) => return Err(Error::BlockedWord),
        Err(MessageRejection::Banned) => {
            return Err(Error::Banned(app.access.ban_remaining(stream, user.id).await?));
        }
    };
    if conditions.must_follow && !app.follows.follows(user.id, owner).await? {
        return Err(Error::FollowersOnly);
    }
    app.rates
        .take(&format!("chat:rate:{}", user.id), app.config.rate(), 1)
        .await
        .map_err(Error::RateLimited)?;
    if let Some(pause) = conditions.pause {
        let client_id = draft.client_id.as_ref();
        app.slow_mode.take_turn(stream, user.id, client_id, pause).await?;
    }
    Ok(())
}

pub(super) async fn list(app: &App, request: ListMessagesRequest) -> Result<ListMessagesResponse> {
    let stream = stream_id(request.stream_id)?;
    if !(1..=MAX_LIMIT).contains(&request.limit) {
        return Err(FieldError::out_of_range("limit", 1, MAX_LIMIT).into());
    }
    let range = match request.from {
        None => MessageRange::Page(1),
        Some(From::Page(page @ 1..=MAX_PAGE)) => MessageRange::Page(page),
        Some(From::Page(_)) => {
            return Err(FieldError::out_of_range("page", 1, MAX_PAGE).into());
        }
        Some(From::BeforeSeq(seq)) => MessageRange::Before(seq),
        Some(From::AfterSeq(seq)) if seq < 0 => {
            return Err(FieldError::negative("afterSeq").into());
        }
        Some(From::AfterSeq(seq)) => MessageRange::After(seq),
    };
    let latest = app.latest_seq.read(stream).await?;
    let listed = messages_list(&app.mongo, stream, latest, range, request.limit).await?;
    Ok(ListMessagesResponse {
        messages: listed.messages.into_iter().map(Into::into).collect(),
        truncated: listed.truncated,
        head: listed.latest,
        // Sequence numbers have no holes, so the latest one is the count.
        total_messages: u64::try_from(listed.latest).unwrap_or(0),
    })
}

pub(super) async fn heads(app: &App, request: HeadsRequest) -> Result<HeadsResponse> {
    if request.stream_ids.len() > MAX_ROOMS {
        return Err(FieldError::too_many("streamIds", MAX_ROOMS).into());
    }
    let ids: Vec<StreamId> = request
        .stream_ids
        .into_iter()
        .map(stream_id)
        .collect::<Result<_>>()?;
    let heads = stream::iter(ids)
        .map(|stream| async move {
            // Cached, since all gateways poll the same rooms.
            Ok::<_, Error>(RoomHead {
                stream_id: stream.0,
                seq: app.latest_seq.recent(stream).await?,
            })
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    Ok(HeadsResponse { heads })
}

pub(super) async fn delete(
    app: &App,
    caller: &Caller,
    request: DeleteMessageRequest,
) -> Result<DeleteMessageResponse> {
    let user = caller.user()?;
    let stream = stream_id(request.stream_id)?;
    let id = MessageId::parse(request.id)?;
    let message = message_get(&app.mongo, stream, id.as_str())
        .await?
        .ok_or(Error::MessageNotFound)?;
    let deleted = if user.id == message.author() {
        message_delete(&app.mongo, &message, user.id, app.clock.now()).await?
    } else {
        moderate_message(app, caller, &message).await?
    };
    if deleted {
        push::message_deleted(&app.realtime, &message);
    }
    Ok(DeleteMessageResponse {})
}

/// Deletes the message of another user. Returns false if it was already deleted.
async fn moderate_message(app: &App, caller: &Caller, message: &Message) -> Result<bool> {
    let actor = Actor::of(app, caller, message.stream().0).await?;
    require(may_delete(actor.user.id, message.author(), actor.standing))?;
    match actor.run(app, DeleteMessage::new(message)).await {
        Ok(()) => Ok(true),
        Err(Error::MessageNotFound) => Ok(false),
        Err(error) => Err(error),
    }
}
