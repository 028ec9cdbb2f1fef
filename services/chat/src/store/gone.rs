//! What goes with an account or a stream, step by step, so that no command is long.

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use primitives::{StreamId, UserId};
use storage::Mongo;

use super::bans::BANS;
use super::log::LOG;
use super::messages::{MESSAGES, Message, messages};
use super::moderators::MODERATORS;
use super::settings::SETTINGS;
use super::{READ, bson_time, within};
use crate::error::Result;

/// Documents that one step touches.
const BATCH: i64 = 1000;
/// What takes the place of an account that is gone.
const NOBODY: &str = "0";
/// What takes the place of its name.
const NOBODYS_NAME: &str = "deleted user";

/// Takes back what an account said, its name and its text, and leaves the numbers: one step of many. Answers
/// what was taken back, which is nothing once all is done.
///
/// # Errors
/// The store's.
pub async fn messages_anonymise(mongo: &Mongo, user: UserId, now: DateTime<Utc>) -> Result<Vec<Message>> {
    let found = async {
        let all = messages(mongo);
        let theirs = all.find(doc! { "userId": user.to_string() });
        let theirs = theirs.limit(BATCH).max_time(READ).await?;
        theirs.try_collect::<Vec<_>>().await
    };
    let found: Vec<Message> = within(Box::pin(found)).await?;
    if !found.is_empty() {
        let ids: Vec<&str> = found.iter().map(|message| message.id.as_str()).collect();
        let set = doc! {
            "$set": {
                "userId": NOBODY, "username": NOBODYS_NAME, "message": "", "deletedAt": bson_time(now), "deletedBy": NOBODY,
            },
            "$unset": { "clientMessageId": "" },
        };
        within(messages(mongo).update_many(doc! { "_id": { "$in": ids } }, set)).await?;
    }
    Ok(found)
}

/// Takes an account out of the lists of all rooms.
///
/// # Errors
/// The store's.
pub async fn places_forget(mongo: &Mongo, user: UserId) -> Result<()> {
    for collection in [BANS, MODERATORS] {
        let places = mongo.database().collection::<Document>(collection);
        within(places.delete_many(doc! { "userId": user.to_string() })).await?;
    }
    Ok(())
}

/// Removes all that was said and settled in a room, step by step.
///
/// # Errors
/// The store's.
pub async fn messages_drop_room(mongo: &Mongo, stream: StreamId) -> Result<()> {
    for collection in [MESSAGES, BANS, MODERATORS, LOG] {
        loop {
            let ids = ids(mongo, collection, doc! { "streamId": stream.to_string() }).await?;
            if ids.is_empty() {
                break;
            }
            let gone = mongo.database().collection::<Document>(collection);
            within(gone.delete_many(doc! { "_id": { "$in": ids } })).await?;
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
            .max_time(READ)
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
