//! What this service knows of streams: whose they are and whether they are live, copied from the stream
//! service's events.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::bson::{DateTime as BsonTime, Document, doc};
use mongodb::error::{ErrorKind, WriteFailure};
use primitives::{StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::{READ, within};
use crate::error::Result;

/// The collection.
pub const ROOMS: &str = "rooms";
/// A room whose stream is gone is remembered this long, so that a late event does not bring it back.
const KEEP_GONE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is known of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It exists.
    Known {
        /// Whose it is.
        owner: UserId,
        /// Whether it is on air.
        live: bool,
    },
    /// It was deleted.
    Gone,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    owner_id: String,
    live: bool,
    #[serde(default)]
    gone: bool,
}

/// What is known of a stream, if anything is.
///
/// # Errors
/// The store's.
pub async fn room_get(mongo: &Mongo, stream: StreamId) -> Result<Option<Room>> {
    let rooms = mongo.database().collection::<Row>(ROOMS);
    let row = within(rooms.find_one(doc! { "_id": stream.to_string() }).max_time(READ)).await?;
    Ok(row.map(|row| match row.owner_id.parse() {
        Ok(owner) if !row.gone => Room::Known {
            owner: UserId(owner),
            live: row.live,
        },
        _ => Room::Gone,
    }))
}

/// Takes what is known of a stream at a version, unless a later one is known. False when one is.
///
/// # Errors
/// The store's.
pub async fn room_put(
    mongo: &Mongo,
    stream: StreamId,
    room: Room,
    version: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let set = match room {
        Room::Known { owner, live } => doc! { "ownerId": owner.to_string(), "live": live, "gone": false },
        Room::Gone => {
            let expires = now + KEEP_GONE;
            doc! {
                "ownerId": "0", "live": false, "gone": true,
                "expiresAt": BsonTime::from_millis(expires.timestamp_millis()),
            }
        }
    };
    let mut update = set;
    update.insert("version", version);
    // Whether there is no row or a later one, the filter finds none; the insert that follows then fails on
    // the id.
    let earlier = doc! { "_id": stream.to_string(), "version": { "$lt": version }, "gone": { "$ne": true } };
    let rooms = mongo.database().collection::<Document>(ROOMS);
    let put = tokio::time::timeout(super::ANSWER, async {
        rooms
            .update_one(earlier, doc! { "$set": update })
            .upsert(true)
            .await
    });
    match put.await {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(error)) if is_duplicate(&error) => Ok(false),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(crate::Error::Unavailable(
            "MongoDB did not answer in time".to_owned(),
        )),
    }
}

fn is_duplicate(error: &mongodb::error::Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == 11_000,
        ErrorKind::Command(command) => command.code == 11_000,
        _ => false,
    }
}
