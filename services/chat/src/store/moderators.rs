//! The collection `moderators`: the moderators appointed by the owners of rooms.

use chrono::{DateTime, Utc};
use mongodb::Collection;
use mongodb::bson::{DateTime as BsonTime, doc};
use mongodb::options::ReturnDocument;
use primitives::{PageInfo, PageRequest, StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::command::{READ_TIMEOUT, bson_time, require_one, room_user, utc_time, within};
use super::log::LogEntry;
use super::moderation::{ModerationCommand, Transaction};
use super::pages::{PagedRow, page_of};
use crate::domain::{ModerationAction, ModerationContext};
use crate::error::{Error, Result};

pub const MODERATORS: &str = "moderators";

/// A stored moderator. Ids are decimal strings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModeratorRow {
    pub stream_id: String,
    pub user_id: String,
    pub added_by: String,
    created_at: BsonTime,
    tie: i64,
}

impl ModeratorRow {
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        utc_time(self.created_at)
    }
}

impl PagedRow for ModeratorRow {
    fn created_at(&self) -> BsonTime {
        self.created_at
    }

    fn tie(&self) -> i64 {
        self.tie
    }
}

fn moderators(mongo: &Mongo) -> Collection<ModeratorRow> {
    mongo.database().collection(MODERATORS)
}

pub async fn moderator_exists(mongo: &Mongo, stream: StreamId, user: UserId) -> Result<bool> {
    let moderators = moderators(mongo);
    let found = moderators
        .find_one(room_user(stream, user))
        .max_time(READ_TIMEOUT);
    Ok(within(found).await?.is_some())
}

/// Adds a moderator. Idempotent: an existing entry stays unchanged.
#[derive(Debug, Clone, Copy)]
pub struct AddModerator(pub UserId);

impl ModerationCommand for AddModerator {
    type Output = ModeratorRow;

    fn entry(&self, context: ModerationContext) -> LogEntry {
        LogEntry::new(context, ModerationAction::ModeratorAdded).about(self.0)
    }

    async fn apply(&self, tx: Transaction<'_>) -> Result<ModeratorRow> {
        let new = doc! {
            "addedBy": tx.context.actor.to_string(), "createdAt": bson_time(tx.context.now), "tie": self.0.0,
        };
        let moderators = moderators(tx.mongo);
        let put = moderators
            .find_one_and_update(room_user(tx.context.stream, self.0), doc! { "$setOnInsert": new })
            .upsert(true)
            .return_document(ReturnDocument::After);
        let row = put.session(tx.session).await?;
        row.ok_or_else(|| Error::Internal("an upsert returned no moderator".to_owned()))
    }
}

#[derive(Debug, Clone, Copy)]
pub struct RemoveModerator(pub UserId);

impl ModerationCommand for RemoveModerator {
    type Output = ();

    fn entry(&self, context: ModerationContext) -> LogEntry {
        LogEntry::new(context, ModerationAction::ModeratorRemoved).about(self.0)
    }

    async fn apply(&self, tx: Transaction<'_>) -> Result<()> {
        let moderators = moderators(tx.mongo);
        let removed = moderators
            .delete_one(room_user(tx.context.stream, self.0))
            .session(tx.session)
            .await?;
        require_one(removed.deleted_count, Error::NotModerator)
    }
}

/// Lists a room's moderators, newest first.
pub async fn moderators_list(
    mongo: &Mongo,
    stream: StreamId,
    page: &PageRequest,
) -> Result<(Vec<ModeratorRow>, PageInfo)> {
    page_of(mongo, MODERATORS, doc! { "streamId": stream.to_string() }, page).await
}
