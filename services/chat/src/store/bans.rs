//! Who may not speak in a room, and until when. A time out ends when its time has come; MongoDB removes the row later.

use chrono::{DateTime, Utc};
use domain::{PageInfo, PageRequest, StreamId, UserId};
use mongodb::Collection;
use mongodb::bson::{DateTime as BsonTime, Document, doc};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::pages::{Listed, page_of};
use super::{READ, bson_time, time_of, within};
use crate::domain::{Ban, BanOrder};
use crate::error::Result;

/// The collection.
pub const BANS: &str = "bans";

/// A ban as MongoDB has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BanRow {
    /// The room, in decimal.
    pub stream_id: String,
    /// Who may not speak, in decimal.
    pub user_id: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Who said so, in decimal.
    pub banned_by: String,
    created_at: BsonTime,
    #[serde(default)]
    expires_at: Option<BsonTime>,
    tie: i64,
}

impl BanRow {
    /// When it began.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        time_of(self.created_at)
    }

    /// When it ends, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.expires_at.map(time_of)
    }
}

impl Listed for BanRow {
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

fn of(stream: StreamId, user: UserId) -> Document {
    doc! { "streamId": stream.to_string(), "userId": user.to_string() }
}

/// Those that hold.
fn holding(mut filter: Document, now: DateTime<Utc>) -> Document {
    filter.insert(
        "$or",
        vec![
            doc! { "expiresAt": { "$exists": false } },
            doc! { "expiresAt": { "$gt": bson_time(now) } },
        ],
    );
    filter
}

/// Somebody's ban in a room. Whether it still holds is for the caller to say.
///
/// # Errors
/// The store's.
pub async fn ban_get(mongo: &Mongo, stream: StreamId, user: UserId) -> Result<Option<Ban>> {
    let found = within(bans(mongo).find_one(of(stream, user)).max_time(READ)).await?;
    Ok(found.map(|row| Ban {
        expires_at: row.expires_at(),
    }))
}

/// Bans somebody, instead of any ban before.
///
/// # Errors
/// The store's.
pub async fn ban_put(
    mongo: &Mongo,
    stream: StreamId,
    order: &BanOrder,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<BanRow> {
    let row = BanRow {
        stream_id: stream.to_string(),
        user_id: order.user.to_string(),
        reason: order.reason.clone(),
        banned_by: by.to_string(),
        created_at: bson_time(now),
        expires_at: order.expires_at(now).map(bson_time),
        tie: order.user.0,
    };
    let mut set = doc! {
        "reason": &row.reason, "bannedBy": &row.banned_by, "createdAt": row.created_at, "tie": row.tie,
    };
    let update = match row.expires_at {
        Some(end) => {
            set.insert("expiresAt", end);
            doc! { "$set": set }
        }
        None => doc! { "$set": set, "$unset": { "expiresAt": "" } },
    };
    let bans = bans(mongo);
    let put = bans.update_one(of(stream, order.user), update).upsert(true);
    within(put).await?;
    Ok(row)
}

/// Lifts a ban. False when none holds.
///
/// # Errors
/// The store's.
pub async fn ban_remove(mongo: &Mongo, stream: StreamId, user: UserId, now: DateTime<Utc>) -> Result<bool> {
    let bans = bans(mongo);
    let removed = bans.delete_one(holding(of(stream, user), now));
    Ok(within(removed).await?.deleted_count == 1)
}

/// Who may not speak in a room now, newest first.
///
/// # Errors
/// The store's.
pub async fn bans_list(
    mongo: &Mongo,
    stream: StreamId,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<(Vec<BanRow>, PageInfo)> {
    let filter = holding(doc! { "streamId": stream.to_string() }, now);
    page_of(mongo, BANS, filter, page).await
}
