//! What was done to moderate a room, written together with the act (`acts`). Rows are added and never
//! changed; they go with the room. An account that is gone is a number in them that means nobody.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use mongodb::ClientSession;
use mongodb::bson::{DateTime as BsonTime, doc};
use primitives::{PageInfo, PageRequest, StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;
use uuid::Uuid;

use super::acts::Acting;
use super::pages::{Listed, page_of};
use super::{READ, bson_time, time_of, within};
use crate::domain::{Action, BanOrder};
use crate::error::Result;

/// The collection.
pub const LOG: &str = "log";
/// Entries that are looked at to see whom they name.
const LOOKED_AT: u32 = 500;

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// UUID v7.
    #[serde(rename = "_id")]
    pub id: String,
    /// The room, in decimal.
    pub stream_id: String,
    /// What was done.
    pub action: String,
    /// Who did it, in decimal.
    pub actor_id: String,
    /// Whom it was done to, in decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The message that went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// For how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// Why.
    #[serde(default)]
    pub reason: String,
    created_at: BsonTime,
    /// The same time in microseconds, which MongoDB's does not have.
    tie: i64,
}

impl Entry {
    /// Something that somebody does in a room now.
    #[must_use]
    pub fn new(acting: Acting, action: Action) -> Self {
        Self {
            id: Uuid::now_v7().to_string(),
            stream_id: acting.stream.to_string(),
            action: action.as_str().to_owned(),
            actor_id: acting.actor.to_string(),
            user_id: None,
            message_id: None,
            seconds: None,
            reason: String::new(),
            created_at: bson_time(acting.now),
            tie: acting.now.timestamp_micros(),
        }
    }

    /// Done to somebody.
    #[must_use]
    pub fn to(mut self, user: UserId) -> Self {
        self.user_id = Some(user.to_string());
        self
    }

    /// As a ban was ordered.
    #[must_use]
    pub fn ordered(mut self, order: &BanOrder) -> Self {
        self.seconds = order.seconds.map(i64::from);
        self.reason.clone_from(&order.reason);
        self.to(order.user)
    }

    /// Done to a message.
    #[must_use]
    pub fn of_message(mut self, message: &str) -> Self {
        self.message_id = Some(message.to_owned());
        self
    }

    /// When.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        time_of(self.created_at)
    }
}

impl Listed for Entry {
    fn created_at(&self) -> BsonTime {
        self.created_at
    }

    fn tie(&self) -> i64 {
        self.tie
    }
}

/// Adds an entry, as a part of the session's transaction.
pub(super) async fn log_add(mongo: &Mongo, session: &mut ClientSession, entry: &Entry) -> Result<()> {
    let log = mongo.database().collection::<Entry>(LOG);
    log.insert_one(entry).session(session).await?;
    Ok(())
}

/// To whom something was done in a room from a time on; `None` when so much was done that it may have been
/// anybody.
///
/// # Errors
/// The store's.
pub async fn log_named(
    mongo: &Mongo,
    stream: StreamId,
    since: DateTime<Utc>,
) -> Result<Option<HashSet<UserId>>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        #[serde(default)]
        user_id: Option<String>,
    }
    let recent = doc! { "streamId": stream.to_string(), "createdAt": { "$gte": bson_time(since) } };
    let found = async {
        let log = mongo.database().collection::<Named>(LOG);
        let found = log.find(recent).sort(doc! { "createdAt": -1, "tie": -1 });
        found
            .projection(doc! { "_id": 0, "userId": 1 })
            .limit(LOOKED_AT.into())
            .batch_size(LOOKED_AT + 1)
            .max_time(READ)
            .await?
            .try_collect::<Vec<_>>()
            .await
    };
    let found = within(Box::pin(found)).await?;
    let all = found.len() < usize::try_from(LOOKED_AT).unwrap_or(usize::MAX);
    let named = found
        .into_iter()
        .filter_map(|named| named.user_id?.parse().ok().map(UserId));
    Ok(all.then(|| named.collect()))
}

/// What was done in a room, newest first.
///
/// # Errors
/// The store's.
pub async fn log_list(mongo: &Mongo, stream: StreamId, page: &PageRequest) -> Result<(Vec<Entry>, PageInfo)> {
    page_of(mongo, LOG, doc! { "streamId": stream.to_string() }, page).await
}
