//! The collection `rooms`: a copy of each stream's owner and live state, kept current by events.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::bson::{Document, doc};
use mongodb::error::{ErrorKind, WriteFailure};
use primitives::{StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::command::{DUPLICATE_KEY, READ_TIMEOUT, bson_time, completed, within};
use crate::domain::{ChatRoom, DELETED_USER};
use crate::error::Result;

pub const ROOMS: &str = "rooms";
/// How long a deleted room is remembered, so that a late event does not restore it.
const DELETED_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoomRow {
    owner_id: String,
    live: bool,
    #[serde(default)]
    gone: bool,
}

/// Returns `None` if nothing is known about the stream.
pub async fn room_get(mongo: &Mongo, stream: StreamId) -> Result<Option<ChatRoom>> {
    let rooms = mongo.database().collection::<RoomRow>(ROOMS);
    let row = within(
        rooms
            .find_one(doc! { "_id": stream.to_string() })
            .max_time(READ_TIMEOUT),
    )
    .await?;
    Ok(row.map(|row| match row.owner_id.parse() {
        Ok(owner) if !row.gone => ChatRoom::Existing {
            owner: UserId(owner),
            live: row.live,
        },
        _ => ChatRoom::Deleted,
    }))
}

/// Stores the state of a room at a version. Returns false, without effect, if a later version is stored.
pub async fn room_put(
    mongo: &Mongo,
    stream: StreamId,
    room: ChatRoom,
    version: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let mut set = match room {
        ChatRoom::Existing { owner, live } => {
            doc! { "ownerId": owner.to_string(), "live": live, "gone": false }
        }
        ChatRoom::Deleted => doc! {
            "ownerId": DELETED_USER.to_string(), "live": false, "gone": true,
            "expiresAt": bson_time(now + DELETED_RETENTION),
        },
    };
    set.insert("version", version);
    // If a later version is stored, the filter matches nothing, and the upsert's insert fails on the id.
    let earlier = doc! { "_id": stream.to_string(), "version": { "$lt": version }, "gone": { "$ne": true } };
    let rooms = mongo.database().collection::<Document>(ROOMS);
    let put = rooms.update_one(earlier, doc! { "$set": set }).upsert(true);
    match completed(put).await? {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate_key(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_duplicate_key(error: &mongodb::error::Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == DUPLICATE_KEY,
        ErrorKind::Command(command) => command.code == DUPLICATE_KEY,
        _ => false,
    }
}
