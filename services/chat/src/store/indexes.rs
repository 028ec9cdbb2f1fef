//! The indexes of all collections, created at startup.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use storage::Mongo;
use tokio::time::sleep;

use super::bans::BANS;
use super::log::LOG;
use super::messages::{BY_CLIENT_ID, BY_SEQ, MESSAGES};
use super::moderators::MODERATORS;
use super::rooms::ROOMS;
use crate::error::Result;

const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Generous, since building an index over many messages may take minutes.
const BUILD_TIMEOUT: Duration = Duration::from_secs(600);

/// Creates the indexes that do not exist yet.
///
/// # Errors
/// Also if MongoDB has an index with the same name and other keys.
pub async fn indexes_create(mongo: &Mongo) -> Result<()> {
    let client_id = doc! { "clientMessageId": { "$exists": true } };
    let all = [
        (
            MESSAGES,
            index(doc! { "streamId": 1, "seq": 1 })
                .unique(true)
                .name(BY_SEQ.to_owned()),
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
        // For the deletion of an account.
        (BANS, index(doc! { "userId": 1 }).name("user".to_owned())),
        (MODERATORS, index(doc! { "userId": 1 }).name("user".to_owned())),
        (LOG, newest()),
    ];
    for (collection, index) in all {
        let collection = mongo.database().collection::<Document>(collection);
        let created = tokio::time::timeout(BUILD_TIMEOUT, async {
            collection.create_index(index.model()).await
        })
        .await;
        created.map_err(|_| crate::Error::Unavailable("building an index timed out".to_owned()))??;
    }
    Ok(())
}

/// Creates the indexes as soon as MongoDB is available, however long that takes.
pub async fn indexes_create_when_reachable(mongo: &Mongo) -> Result<()> {
    let mut warned = false;
    loop {
        match indexes_create(mongo).await {
            Err(crate::Error::Unavailable(reason)) => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(reason, "MongoDB unavailable, waiting to create indexes");
                }
                sleep(RETRY_DELAY).await;
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
    index(doc! { "streamId": 1, "createdAt": -1, "tie": -1 }).name("stream_newest".to_owned())
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

    /// MongoDB deletes documents once the time in the field has passed.
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
