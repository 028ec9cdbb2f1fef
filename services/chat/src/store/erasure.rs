//! Erasure of deleted accounts and rooms, in batches that keep every command short.

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use primitives::{StreamId, UserId};
use storage::Mongo;

use super::bans::BANS;
use super::command::{READ_TIMEOUT, bson_time, within};
use super::log::LOG;
use super::messages::{MESSAGES, Message, messages};
use super::moderators::MODERATORS;
use super::settings::SETTINGS;
use crate::domain::{DELETED_USER, DELETED_USERNAME};
use crate::error::Result;

/// Documents per command.
const BATCH: i64 = 1000;

/// Turns one batch of a deleted account's messages into anonymous tombstones. Returns them as they were
/// before; none once everything is done.
pub async fn messages_anonymise(mongo: &Mongo, user: UserId, now: DateTime<Utc>) -> Result<Vec<Message>> {
    let found = async {
        let all = messages(mongo);
        let sent = all.find(doc! { "userId": user.to_string() });
        let sent = sent.limit(BATCH).max_time(READ_TIMEOUT).await?;
        sent.try_collect::<Vec<_>>().await
    };
    let found: Vec<Message> = within(Box::pin(found)).await?;
    if !found.is_empty() {
        let ids: Vec<&str> = found.iter().map(|message| message.id.as_str()).collect();
        let set = doc! {
            "$set": {
                "userId": DELETED_USER.to_string(), "username": DELETED_USERNAME, "message": "",
                "deletedAt": bson_time(now), "deletedBy": DELETED_USER.to_string(),
            },
            "$unset": { "clientMessageId": "" },
        };
        within(messages(mongo).update_many(doc! { "_id": { "$in": ids } }, set)).await?;
    }
    Ok(found)
}

/// Removes a deleted account from the bans and moderators of all rooms.
pub async fn memberships_delete(mongo: &Mongo, user: UserId) -> Result<()> {
    for collection in [BANS, MODERATORS] {
        let memberships = mongo.database().collection::<Document>(collection);
        within(memberships.delete_many(doc! { "userId": user.to_string() })).await?;
    }
    Ok(())
}

/// Removes a deleted room's messages, lists, log and settings.
pub async fn room_delete(mongo: &Mongo, stream: StreamId) -> Result<()> {
    for collection in [MESSAGES, BANS, MODERATORS, LOG] {
        loop {
            let ids = ids(mongo, collection, doc! { "streamId": stream.to_string() }).await?;
            if ids.is_empty() {
                break;
            }
            let documents = mongo.database().collection::<Document>(collection);
            within(documents.delete_many(doc! { "_id": { "$in": ids } })).await?;
        }
    }
    let settings = mongo.database().collection::<Document>(SETTINGS);
    within(settings.delete_one(doc! { "_id": stream.to_string() })).await?;
    Ok(())
}

async fn ids(mongo: &Mongo, collection: &str, filter: Document) -> Result<Vec<Bson>> {
    let found = async {
        let all = mongo.database().collection::<Document>(collection);
        let found = all.find(filter);
        found
            .projection(doc! { "_id": 1 })
            .limit(BATCH)
            .max_time(READ_TIMEOUT)
            .await?
            .try_collect::<Vec<_>>()
            .await
    };
    let found = within(Box::pin(found)).await?;
    Ok(found
        .into_iter()
        .filter_map(|mut document| document.remove("_id"))
        .collect())
}
