//! The collections' indexes. Made at the start; those that are there stay.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use storage::Mongo;
use tokio::time::sleep;

use super::bans::BANS;
use super::log::LOG;
use super::messages::MESSAGES;
use super::moderators::MODERATORS;
use super::rooms::ROOMS;
use crate::error::Result;

/// Decides between replicas which message gets a number.
pub const BY_NUMBER: &str = "stream_seq";
/// Makes a repeat of a message the same message.
pub const BY_CLIENT_ID: &str = "stream_user_client_message";
/// Lists go from the newest back.
pub const NEWEST: &str = "stream_newest";

/// Between two attempts to reach a server that is away.
const PAUSE: Duration = Duration::from_secs(1);
/// Building an index over old messages may take long.
const BUILD: Duration = Duration::from_secs(600);

/// Makes all indexes.
///
/// # Errors
/// When MongoDB does not answer, or has an index of the same name with other keys.
pub async fn indexes_create(mongo: &Mongo) -> Result<()> {
    let client_id = doc! { "clientMessageId": { "$exists": true } };
    let all = [
        (
            MESSAGES,
            index(doc! { "streamId": 1, "seq": 1 })
                .unique(true)
                .name(BY_NUMBER.to_owned()),
        ),
        (
            MESSAGES,
            index(doc! { "streamId": 1, "userId": 1, "clientMessageId": 1 })
                .unique(true)
                .partial(client_id)
                .name(BY_CLIENT_ID.to_owned()),
        ),
        (MESSAGES, index(doc! { "userId": 1 }).name("user".to_owned())),
        (
            ROOMS,
            index(doc! { "expiresAt": 1 }).expires().name("expiry".to_owned()),
        ),
        (
            BANS,
            index(doc! { "streamId": 1, "userId": 1 })
                .unique(true)
                .name("stream_user".to_owned()),
        ),
        (
            BANS,
            index(doc! { "expiresAt": 1 }).expires().name("expiry".to_owned()),
        ),
        (
            MODERATORS,
            index(doc! { "streamId": 1, "userId": 1 })
                .unique(true)
                .name("stream_user".to_owned()),
        ),
        (BANS, newest()),
        (MODERATORS, newest()),
        // What is somebody's in all rooms goes with their account.
        (BANS, index(doc! { "userId": 1 }).name("user".to_owned())),
        (MODERATORS, index(doc! { "userId": 1 }).name("user".to_owned())),
        (LOG, newest()),
    ];
    for (collection, index) in all {
        let collection = mongo.database().collection::<Document>(collection);
        let made = tokio::time::timeout(BUILD, async { collection.create_index(index.model()).await }).await;
        made.map_err(|_| crate::Error::Unavailable("an index took too long".to_owned()))??;
    }
    Ok(())
}

/// Makes all indexes as soon as MongoDB can be reached, and waits for that for ever if need be.
///
/// # Errors
/// An index that cannot be made.
pub async fn indexes_create_when_reachable(mongo: &Mongo) -> Result<()> {
    let mut told = false;
    loop {
        match indexes_create(mongo).await {
            Err(crate::Error::Unavailable(reason)) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(reason, "MongoDB unavailable, indexes wait for it");
                }
                sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

/// An index under construction.
struct Index {
    keys: Document,
    options: IndexOptions,
}

fn newest() -> Index {
    index(doc! { "streamId": 1, "createdAt": -1, "tie": -1 }).name(NEWEST.to_owned())
}

fn index(keys: Document) -> Index {
    Index {
        keys,
        options: IndexOptions::default(),
    }
}

impl Index {
    fn unique(mut self, unique: bool) -> Self {
        self.options.unique = Some(unique);
        self
    }

    fn name(mut self, name: String) -> Self {
        self.options.name = Some(name);
        self
    }

    fn partial(mut self, filter: Document) -> Self {
        self.options.partial_filter_expression = Some(filter);
        self
    }

    /// Documents go when the time in the field has come.
    fn expires(mut self) -> Self {
        self.options.expire_after = Some(Duration::ZERO);
        self
    }

    fn model(self) -> IndexModel {
        IndexModel::builder()
            .keys(self.keys)
            .options(self.options)
            .build()
    }
}
