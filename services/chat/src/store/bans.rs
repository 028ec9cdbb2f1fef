//! The collection `bans`: the chat bans of each room. A timeout ends by its time; MongoDB removes its
//! document later.

use chrono::{DateTime, Utc};
use mongodb::Collection;
use mongodb::bson::{DateTime as BsonTime, Document, doc};
use primitives::{PageInfo, PageRequest, StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::command::{READ_TIMEOUT, bson_time, require_one, room_user, utc_time, within};
use super::log::LogEntry;
use super::moderation::{ModerationCommand, Transaction};
use super::pages::{PagedRow, page_of};
use crate::domain::{Ban, BanOrder, ModerationAction, ModerationContext};
use crate::error::{Error, Result};

pub const BANS: &str = "bans";

/// A stored ban. Ids are decimal strings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BanRow {
    pub stream_id: String,
    pub user_id: String,
    #[serde(default)]
    pub reason: String,
    pub banned_by: String,
    created_at: BsonTime,
    #[serde(default)]
    expires_at: Option<BsonTime>,
    tie: i64,
}

impl BanRow {
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        utc_time(self.created_at)
    }

    /// `None` for a permanent ban.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.expires_at.map(utc_time)
    }

    /// Returns the update that turns any ban of the same room and user into this one.
    fn replacement(&self) -> Document {
        let mut set = doc! {
            "reason": &self.reason,
            "bannedBy": &self.banned_by,
            "createdAt": self.created_at,
            "tie": self.tie,
        };
        match self.expires_at {
            Some(end) => {
                set.insert("expiresAt", end);
                doc! { "$set": set }
            }
            None => doc! { "$set": set, "$unset": { "expiresAt": "" } },
        }
    }
}

impl PagedRow for BanRow {
    fn created_at(&self) -> BsonTime {
        self.created_at
    }

    fn tie(&self) -> i64 {
        self.tie
    }
}

fn bans(mongo: &Mongo) -> Collection<BanRow> {
    mongo.database().collection(BANS)
}

/// Restricts a filter to active bans.
fn active(mut filter: Document, now: DateTime<Utc>) -> Document {
    filter.insert(
        "$or",
        vec![
            doc! { "expiresAt": { "$exists": false } },
            doc! { "expiresAt": { "$gt": bson_time(now) } },
        ],
    );
    filter
}

/// Returns a user's ban in a room, which may have ended.
pub async fn ban_get(mongo: &Mongo, stream: StreamId, user: UserId) -> Result<Option<Ban>> {
    let found = within(
        bans(mongo)
            .find_one(room_user(stream, user))
            .max_time(READ_TIMEOUT),
    )
    .await?;
    Ok(found.map(|row| Ban {
        expires_at: row.expires_at(),
    }))
}

/// Bans a user from chat, replacing an earlier ban.
impl ModerationCommand for BanOrder {
    type Output = BanRow;

    fn entry(&self, context: ModerationContext) -> LogEntry {
        LogEntry::new(context, self.action()).ban_order(self)
    }

    async fn apply(&self, tx: Transaction<'_>) -> Result<BanRow> {
        let row = BanRow {
            stream_id: tx.context.stream.to_string(),
            user_id: self.user.to_string(),
            reason: self.reason.clone(),
            banned_by: tx.context.actor.to_string(),
            created_at: bson_time(tx.context.now),
            expires_at: self.expires_at(tx.context.now).map(bson_time),
            tie: self.user.0,
        };
        let bans = bans(tx.mongo);
        let put = bans.update_one(room_user(tx.context.stream, self.user), row.replacement());
        put.upsert(true).session(tx.session).await?;
        Ok(row)
    }
}

/// Lifts a ban.
#[derive(Debug, Clone, Copy)]
pub struct Unban(pub UserId);

impl ModerationCommand for Unban {
    type Output = ();

    fn entry(&self, context: ModerationContext) -> LogEntry {
        LogEntry::new(context, ModerationAction::UserUnbanned).about(self.0)
    }

    async fn apply(&self, tx: Transaction<'_>) -> Result<()> {
        let ban = active(room_user(tx.context.stream, self.0), tx.context.now);
        let removed = bans(tx.mongo).delete_one(ban).session(tx.session).await?;
        require_one(removed.deleted_count, Error::NotBanned)
    }
}

/// Lists a room's active bans, newest first.
pub async fn bans_list(
    mongo: &Mongo,
    stream: StreamId,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<(Vec<BanRow>, PageInfo)> {
    let filter = active(doc! { "streamId": stream.to_string() }, now);
    page_of(mongo, BANS, filter, page).await
}
