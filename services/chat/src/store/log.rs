//! The collection `log`: the moderation log. Entries are written together with the action (see `moderation`),
//! never change, and are deleted with the room. They may contain the ids of deleted accounts.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use mongodb::ClientSession;
use mongodb::bson::{DateTime as BsonTime, doc};
use primitives::{PageInfo, PageRequest, StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;
use uuid::Uuid;

use super::command::{READ_TIMEOUT, bson_time, utc_time, within};
use super::pages::{PagedRow, page_of};
use crate::domain::{BanOrder, ModerationAction, ModerationContext};
use crate::error::Result;

pub const LOG: &str = "log";
/// Entries that [`log_recent_users`] reads.
const MAX_RECENT_ENTRIES: u32 = 500;

/// A stored entry. User and stream ids are decimal strings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// UUID v7.
    #[serde(rename = "_id")]
    pub id: String,
    pub stream_id: String,
    /// The name of a [`ModerationAction`].
    pub action: String,
    pub actor_id: String,
    /// The affected user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The deleted message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The length of a timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    #[serde(default)]
    pub reason: String,
    created_at: BsonTime,
    /// The time in microseconds, which MongoDB's own times do not have.
    tie: i64,
}

impl LogEntry {
    #[must_use]
    pub fn new(context: ModerationContext, action: ModerationAction) -> Self {
        Self {
            id: Uuid::now_v7().to_string(),
            stream_id: context.stream.to_string(),
            action: action.as_str().to_owned(),
            actor_id: context.actor.to_string(),
            user_id: None,
            message_id: None,
            seconds: None,
            reason: String::new(),
            created_at: bson_time(context.now),
            tie: context.now.timestamp_micros(),
        }
    }

    /// Sets the affected user.
    #[must_use]
    pub fn about(mut self, user: UserId) -> Self {
        self.user_id = Some(user.to_string());
        self
    }

    /// Sets the fields of a ban.
    #[must_use]
    pub fn ban_order(mut self, order: &BanOrder) -> Self {
        self.seconds = order.seconds.map(i64::from);
        self.reason.clone_from(&order.reason);
        self.about(order.user)
    }

    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        self.message_id = Some(message.to_owned());
        self
    }

    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        utc_time(self.created_at)
    }
}

impl PagedRow for LogEntry {
    fn created_at(&self) -> BsonTime {
        self.created_at
    }

    fn tie(&self) -> i64 {
        self.tie
    }
}

/// Adds an entry as part of the session's transaction.
pub(super) async fn log_add(mongo: &Mongo, session: &mut ClientSession, entry: &LogEntry) -> Result<()> {
    let log = mongo.database().collection::<LogEntry>(LOG);
    log.insert_one(entry).session(session).await?;
    Ok(())
}

/// Returns the users affected by a room's moderation since a time, or `None` if there are too many entries to
/// read.
pub async fn log_recent_users(
    mongo: &Mongo,
    stream: StreamId,
    since: DateTime<Utc>,
) -> Result<Option<HashSet<UserId>>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct AffectedUser {
        #[serde(default)]
        user_id: Option<String>,
    }
    let recent = doc! { "streamId": stream.to_string(), "createdAt": { "$gte": bson_time(since) } };
    let found = async {
        let log = mongo.database().collection::<AffectedUser>(LOG);
        let found = log.find(recent).sort(doc! { "createdAt": -1, "tie": -1 });
        found
            .projection(doc! { "_id": 0, "userId": 1 })
            .limit(MAX_RECENT_ENTRIES.into())
            .batch_size(MAX_RECENT_ENTRIES + 1)
            .max_time(READ_TIMEOUT)
            .await?
            .try_collect::<Vec<_>>()
            .await
    };
    let found = within(Box::pin(found)).await?;
    let complete = found.len() < usize::try_from(MAX_RECENT_ENTRIES).unwrap_or(usize::MAX);
    let users = found
        .into_iter()
        .filter_map(|entry| entry.user_id?.parse().ok().map(UserId));
    Ok(complete.then(|| users.collect()))
}

/// Lists a room's moderation log, newest first.
pub async fn log_list(
    mongo: &Mongo,
    stream: StreamId,
    page: &PageRequest,
) -> Result<(Vec<LogEntry>, PageInfo)> {
    page_of(mongo, LOG, doc! { "streamId": stream.to_string() }, page).await
}
