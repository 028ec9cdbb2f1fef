//! Saying, reading and deleting.

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

use super::{Actor, allowed, stream_id};
use crate::app::App;
use crate::domain::{Draft, MessageId, Refusal, may_delete};
use crate::error::{Error, Result};
use crate::outbound::push;
use crate::store::deletions::{Deletion, message_delete};
use crate::store::messages::{Message, Range, message_get, messages_list};

/// How long a message may take in all; its sender is told within 3 s that it failed.
const SEND: Duration = Duration::from_millis(2600);
/// Most messages in one answer.
const MAX_LIMIT: u32 = 500;
/// Most rooms in one question.
const MAX_ROOMS: usize = 1000;
/// Rooms that one question looks up at the same time.
const ROOMS_AT_ONCE: usize = 8;

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
    let until = Instant::from_std(caller.deadline).min(Instant::now() + SEND);
    let allowed = async {
        let owner = app.rooms.live(stream).await?;
        may_speak(app, user, stream, owner, &draft).await
    };
    let late = |_| Error::Unavailable("whether the message is allowed was not known in time".to_owned());
    timeout_at(until, allowed).await.map_err(late)??;
    let message = app.writer.post(stream, draft, until).await?;
    Ok(SendMessageResponse {
        message: Some(message.into()),
    })
}

/// Finds out what [`Settings::speak`](crate::domain::Settings::speak) wants to know. The turn of slow mode is
/// taken last, so that nobody loses it to another refusal.
async fn may_speak(app: &App, user: &User, stream: StreamId, owner: UserId, draft: &Draft) -> Result<()> {
    let rules = app.places.rules(stream).await?;
    let standing = app.places.standing(stream, owner, user).await?;
    let conditions = match rules.settings.speak(standing, &draft.text) {
        Ok(conditions) => conditions,
        Err(Refusal::BlockedWord) => return Err(Error::BlockedWord),
        Err(Refusal::Banned) => return Err(Error::Banned(app.places.ban_left(stream, user.id).await?)),
    };
    if conditions.follows && !app.follows.follows(user.id, owner).await? {
        return Err(Error::FollowersOnly);
    }
    app.rates.take(user.id).await?;
    match conditions.pause {
        Some(pause) => {
            app.rates
                .turn(stream, user.id, draft.client_id.as_ref(), pause)
                .await
        }
        None => Ok(()),
    }
}

pub(super) async fn list(app: &App, request: ListMessagesRequest) -> Result<ListMessagesResponse> {
    let stream = stream_id(request.stream_id)?;
    if !(1..=MAX_LIMIT).contains(&request.limit) {
        return Err(FieldError::out_of_range("limit", 1, MAX_LIMIT).into());
    }
    let range = match request.from {
        None => Range::Page(1),
        Some(From::Page(page @ 1..=MAX_PAGE)) => Range::Page(page),
        Some(From::Page(_)) => {
            return Err(FieldError::out_of_range("page", 1, MAX_PAGE).into());
        }
        Some(From::BeforeSeq(seq)) => Range::Before(seq),
        Some(From::AfterSeq(seq)) if seq < 0 => {
            return Err(FieldError::negative("afterSeq").into());
        }
        Some(From::AfterSeq(seq)) => Range::After(seq),
    };
    let head = app.heads.now(stream).await?;
    let listed = messages_list(&app.mongo, stream, head, range, request.limit).await?;
    Ok(ListMessagesResponse {
        messages: listed.messages.into_iter().map(Into::into).collect(),
        truncated: listed.truncated,
        head: listed.head,
        // Numbers have no holes, so the last one is the count.
        total_messages: u64::try_from(listed.head).unwrap_or(0),
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
            // Gateways ask for the same rooms at the same time.
            Ok::<_, Error>(RoomHead {
                stream_id: stream.0,
                seq: app.heads.recent(stream).await?,
            })
        })
        .buffered(ROOMS_AT_ONCE)
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
        .ok_or(Error::NoMessage)?;
    let deleted = if user.id == message.author() {
        message_delete(&app.mongo, &message, user.id, app.clock.now()).await?
    } else {
        delete_of_other(app, caller, &message).await?
    };
    if deleted {
        push::message_deleted(&app.realtime, &message);
    }
    Ok(DeleteMessageResponse {})
}

/// Deletes a message of somebody else. False when that was done before.
async fn delete_of_other(app: &App, caller: &Caller, message: &Message) -> Result<bool> {
    let actor = Actor::of(app, caller, message.stream().0).await?;
    allowed(may_delete(actor.user.id, message.author(), actor.standing), ())?;
    match actor.act(app, Deletion::of(message)).await {
        Ok(()) => Ok(true),
        Err(Error::NoMessage) => Ok(false),
        Err(error) => Err(error),
    }
}
