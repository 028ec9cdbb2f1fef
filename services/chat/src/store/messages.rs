//! Messages: written by `writer`, read here, taken away by `deletions`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{DateTime as BsonTime, doc};
use mongodb::error::{ErrorKind, IndexedWriteError};
use primitives::{StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::indexes::{BY_CLIENT_ID, BY_NUMBER};
use super::{READ, answered, bson_time, time_of, within};
use crate::domain::{Conflict, Draft, Insert};
use crate::error::Result;

/// The collection.
pub const MESSAGES: &str = "messages";

/// A message as MongoDB has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// UUID v7.
    #[serde(rename = "_id")]
    pub id: String,
    /// The room, in decimal.
    pub stream_id: String,
    /// The author, in decimal; 0 when the account is gone.
    pub user_id: String,
    /// The author's name when it was said; `deleted user` when the account is gone.
    pub username: String,
    /// The text; empty when deleted.
    pub message: String,
    /// When it was said.
    pub timestamp: BsonTime,
    /// Its number in the room, from 1 without holes.
    pub seq: i64,
    /// What makes a repeat of it the same message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<BsonTime>,
    /// Who deleted it, in decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<String>,
}

impl Message {
    /// A message that is to be written under a number.
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

    /// The room.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        StreamId(self.stream_id.parse().unwrap_or(0))
    }

    /// The author; 0 when the account is gone.
    #[must_use]
    pub fn author(&self) -> UserId {
        UserId(self.user_id.parse().unwrap_or(0))
    }

    /// When it was said.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        time_of(self.timestamp)
    }
}

/// Which messages of a room are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The newest below a number.
    Before(i64),
    /// The oldest above a number.
    After(i64),
    /// A page from the newest, from 1.
    Page(u32),
}

/// Messages in rising order.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The messages.
    pub messages: Vec<Message>,
    /// There are more in the direction asked for.
    pub truncated: bool,
    /// The room's last number.
    pub head: i64,
}

pub(super) fn messages(mongo: &Mongo) -> Collection<Message> {
    mongo.database().collection(MESSAGES)
}

/// Messages of a room whose last number is `head`. Numbers have no holes, so a page is a range of them, and
/// each costs the same at any depth.
///
/// # Errors
/// The store's.
pub async fn messages_list(
    mongo: &Mongo,
    stream: StreamId,
    head: i64,
    range: Range,
    limit: u32,
) -> Result<Listed> {
    let many = i64::from(limit);
    let newest_first = !matches!(range, Range::After(_));
    // One more than the page has, which says whether there are more.
    let (above, below) = match range {
        Range::After(seq) => (seq, seq.saturating_add(many + 2)),
        Range::Before(seq) => newest(seq.min(head + 1), many),
        Range::Page(page) => newest(
            (head + 1).saturating_sub(many.saturating_mul(i64::from(page) - 1)),
            many,
        ),
    };
    let filter = doc! { "streamId": stream.to_string(), "seq": { "$gt": above, "$lt": below } };
    let order = if newest_first { -1 } else { 1 };
    let found = async {
        let all = messages(mongo);
        let found = all.find(filter).sort(doc! { "streamId": order, "seq": order });
        found
            .limit(many + 1)
            .batch_size(limit + 1)
            .max_time(READ)
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
    let head = messages.last().map_or(head, |last| last.seq.max(head));
    Ok(Listed {
        messages,
        truncated,
        head,
    })
}

/// The bounds, both outside, of so many messages and one more below a number.
fn newest(below: i64, many: i64) -> (i64, i64) {
    (below.saturating_sub(many + 2).max(0), below)
}

/// One message of a room.
///
/// # Errors
/// The store's.
pub async fn message_get(mongo: &Mongo, stream: StreamId, id: &str) -> Result<Option<Message>> {
    let filter = doc! { "_id": id, "streamId": stream.to_string() };
    within(messages(mongo).find_one(filter).max_time(READ)).await
}

/// The message that a client's id stands for.
pub(crate) async fn message_of_client(
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
    within(messages(mongo).find_one(filter).max_time(READ)).await
}

/// Inserts messages of one room in their order, acknowledged by a majority, up to the first conflict.
pub(super) async fn messages_insert(mongo: &Mongo, batch: &[Message]) -> Result<Insert> {
    let all = messages(mongo);
    let Err(error) = answered(all.insert_many(batch)).await? else {
        return Ok(Insert::All);
    };
    let first = refusals(&error).first();
    let stopped = first.and_then(|first| Some(Insert::StoppedAt(first.index, conflict(first)?)));
    stopped.ok_or_else(|| error.into())
}

/// Inserts messages of as many rooms, acknowledged by a majority, and answers for each by itself.
pub(super) async fn messages_insert_each(mongo: &Mongo, batch: &[Message]) -> Vec<Result<Insert>> {
    let all = messages(mongo);
    let outcome = match answered(all.insert_many(batch).ordered(false)).await {
        Ok(Ok(_)) => Ok(HashMap::new()),
        // Nothing is known of any of them when not one was refused.
        Ok(Err(error)) if refusals(&error).is_empty() => Err(error.into()),
        Ok(Err(error)) => Ok(refusals(&error)
            .iter()
            .map(|refusal| {
                let stopped = conflict(refusal).map(|conflict| Insert::StoppedAt(0, conflict));
                (refusal.index, stopped.ok_or_else(|| error.clone().into()))
            })
            .collect::<HashMap<_, Result<Insert>>>()),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(mut refused) => (0..batch.len())
            .map(|index| refused.remove(&index).unwrap_or(Ok(Insert::All)))
            .collect(),
        Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// The messages that were refused, all others being written; none when that is not known, or when what was
/// written may not last.
fn refusals(error: &mongodb::error::Error) -> &[IndexedWriteError] {
    match error.kind.as_ref() {
        ErrorKind::InsertMany(failed) if failed.write_concern_error.is_none() => {
            failed.write_errors.as_deref().unwrap_or_default()
        }
        _ => &[],
    }
}

/// The unique index that refused a message; `None` when something else did.
fn conflict(refusal: &IndexedWriteError) -> Option<Conflict> {
    let by = |index: &str| refusal.code == 11_000 && refusal.message.contains(index);
    if by(BY_NUMBER) {
        Some(Conflict::Number)
    } else {
        by(BY_CLIENT_ID).then_some(Conflict::Repeat)
    }
}
