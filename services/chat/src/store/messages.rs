//! The collection `messages`, which the room `writer` appends to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{DateTime as BsonTime, doc};
use mongodb::error::{ErrorKind, IndexedWriteError};
use primitives::{StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::command::{DUPLICATE_KEY, READ_TIMEOUT, bson_time, completed, utc_time, within};
use crate::domain::{DELETED_USER, Draft, InsertConflict, InsertOutcome};
use crate::error::Result;

pub const MESSAGES: &str = "messages";
/// The unique index that decides between replicas which message gets a sequence number.
pub const BY_SEQ: &str = "stream_seq";
/// The unique index that recognises a client's retry.
pub const BY_CLIENT_ID: &str = "stream_user_client_message";

/// A stored message. Ids are decimal strings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// UUID v7.
    #[serde(rename = "_id")]
    pub id: String,
    pub stream_id: String,
    /// The author, or [`DELETED_USER`].
    pub user_id: String,
    /// The author's name at the time, or [`DELETED_USERNAME`](crate::domain::DELETED_USERNAME).
    pub username: String,
    /// Empty once deleted.
    pub message: String,
    pub timestamp: BsonTime,
    /// Starts at 1 in each room, without holes.
    pub seq: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<BsonTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<String>,
}

impl Message {
    #[must_use]
    pub fn new(id: String, stream: StreamId, draft: &Draft, seq: i64, now: DateTime<Utc>) -> Self {
        Self {
            id,
            stream_id: stream.to_string(),
            user_id: draft.user.to_string(),
            username: draft.username.clone(),
            message: draft.text.clone(),
            timestamp: bson_time(now),
            seq,
            client_message_id: draft.client_id.as_ref().map(|id| id.as_str().to_owned()),
            deleted_at: None,
            deleted_by: None,
        }
    }

    #[must_use]
    pub fn stream(&self) -> StreamId {
        StreamId(self.stream_id.parse().unwrap_or(0))
    }

    /// The author, or [`DELETED_USER`].
    #[must_use]
    pub fn author(&self) -> UserId {
        self.user_id.parse().map_or(DELETED_USER, UserId)
    }

    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        utc_time(self.timestamp)
    }
}

/// Which messages of a room to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRange {
    /// The newest below a sequence number.
    Before(i64),
    /// The oldest above a sequence number.
    After(i64),
    /// A page by number, 1 for the newest messages.
    Page(u32),
}

/// Messages in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageList {
    pub messages: Vec<Message>,
    /// Whether more messages follow in the requested direction.
    pub truncated: bool,
    /// The room's latest sequence number.
    pub latest: i64,
}

pub(super) fn messages(mongo: &Mongo) -> Collection<Message> {
    mongo.database().collection(MESSAGES)
}

/// Lists messages of a room whose latest sequence number is `latest`. Sequence numbers have no holes, so
/// every page is a range of them and costs the same at any depth.
pub async fn messages_list(
    mongo: &Mongo,
    stream: StreamId,
    latest: i64,
    range: MessageRange,
    limit: u32,
) -> Result<MessageList> {
    let count = i64::from(limit);
    let newest_first = !matches!(range, MessageRange::After(_));
    // One more message than requested shows whether more follow.
    let (above, below) = match range {
        MessageRange::After(seq) => (seq, seq.saturating_add(count + 2)),
        MessageRange::Before(seq) => newest(seq.min(latest + 1), count),
        MessageRange::Page(page) => newest(
            (latest + 1).saturating_sub(count.saturating_mul(i64::from(page) - 1)),
            count,
        ),
    };
    let filter = doc! { "streamId": stream.to_string(), "seq": { "$gt": above, "$lt": below } };
    let order = if newest_first { -1 } else { 1 };
    let found = async {
        let all = messages(mongo);
        let found = all.find(filter).sort(doc! { "streamId": order, "seq": order });
        found
            .limit(count + 1)
            .batch_size(limit + 1)
            .max_time(READ_TIMEOUT)
            .await?
            .try_collect::<Vec<_>>()
            .await
    };
    let mut messages = within(Box::pin(found)).await?;
    let truncated = messages.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    messages.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    if newest_first {
        messages.reverse();
    }
    // Messages may have arrived since `latest` was read.
    let latest = messages.last().map_or(latest, |last| last.seq.max(latest));
    Ok(MessageList {
        messages,
        truncated,
        latest,
    })
}

/// Returns the exclusive bounds of `count + 1` messages below a sequence number.
fn newest(below: i64, count: i64) -> (i64, i64) {
    (below.saturating_sub(count + 2).max(0), below)
}

pub async fn message_get(mongo: &Mongo, stream: StreamId, id: &str) -> Result<Option<Message>> {
    let filter = doc! { "_id": id, "streamId": stream.to_string() };
    within(messages(mongo).find_one(filter).max_time(READ_TIMEOUT)).await
}

/// Returns the stored message with the same client message id.
pub async fn message_get_by_client_id(
    mongo: &Mongo,
    stream: StreamId,
    draft: &Draft,
) -> Result<Option<Message>> {
    let Some(client_id) = &draft.client_id else {
        return Ok(None);
    };
    let filter = doc! {
        "streamId": stream.to_string(),
        "userId": draft.user.to_string(),
        "clientMessageId": client_id.as_str(),
    };
    within(messages(mongo).find_one(filter).max_time(READ_TIMEOUT)).await
}

/// Inserts messages of one room in order, up to the first conflict. A majority acknowledges them.
pub async fn messages_insert(mongo: &Mongo, batch: &[Message]) -> Result<InsertOutcome> {
    let all = messages(mongo);
    let Err(error) = completed(all.insert_many(batch)).await? else {
        return Ok(InsertOutcome::All);
    };
    let first = rejected(&error).first();
    let stopped = first.and_then(|first| Some(InsertOutcome::StoppedAt(first.index, conflict(first)?)));
    stopped.ok_or_else(|| error.into())
}

/// Inserts messages of different rooms and returns one outcome per message. A majority acknowledges them.
pub async fn messages_insert_each(mongo: &Mongo, batch: &[Message]) -> Vec<Result<InsertOutcome>> {
    let all = messages(mongo);
    let outcome = match completed(all.insert_many(batch).ordered(false)).await {
        Ok(Ok(_)) => Ok(HashMap::new()),
        // Without a rejected message, the error concerns the whole batch, and the outcome of each is unknown.
        Ok(Err(error)) if rejected(&error).is_empty() => Err(error.into()),
        Ok(Err(error)) => Ok(rejected(&error)
            .iter()
            .map(|rejected| {
                let stopped = conflict(rejected).map(|conflict| InsertOutcome::StoppedAt(0, conflict));
                (rejected.index, stopped.ok_or_else(|| error.clone().into()))
            })
            .collect::<HashMap<_, Result<InsertOutcome>>>()),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(mut rejected) => (0..batch.len())
            .map(|index| rejected.remove(&index).unwrap_or(Ok(InsertOutcome::All)))
            .collect(),
        Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Returns the rejected messages, if all others are durably stored. Returns none if that is unknown.
fn rejected(error: &mongodb::error::Error) -> &[IndexedWriteError] {
    match error.kind.as_ref() {
        ErrorKind::InsertMany(failed) if failed.write_concern_error.is_none() => {
            failed.write_errors.as_deref().unwrap_or_default()
        }
        _ => &[],
    }
}

/// Returns the conflict if a unique index rejected the message.
fn conflict(rejected: &IndexedWriteError) -> Option<InsertConflict> {
    let by = |index: &str| rejected.code == DUPLICATE_KEY && rejected.message.contains(index);
    if by(BY_SEQ) {
        Some(InsertConflict::Number)
    } else {
        by(BY_CLIENT_ID).then_some(InsertConflict::Repeat)
    }
}

/// Returns the highest sequence number of a room that is at least `from`, if any.
pub async fn message_latest_seq(mongo: &Mongo, stream: StreamId, from: i64) -> Result<Option<i64>> {
    #[derive(Deserialize)]
    struct Seq {
        seq: i64,
    }
    let numbers = mongo.database().collection::<Seq>(MESSAGES);
    let latest = numbers
        .find_one(doc! { "streamId": stream.to_string(), "seq": { "$gte": from } })
        .sort(doc! { "streamId": -1, "seq": -1 })
        .projection(doc! { "_id": 0, "seq": 1 })
        .max_time(READ_TIMEOUT);
    Ok(within(latest).await?.map(|latest| latest.seq))
}
