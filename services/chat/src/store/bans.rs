//! Who may not speak in a room, and until when. A time out ends when its time has come; MongoDB removes the
//! row later.

use chrono::{DateTime, Utc};
use mongodb::bson::{DateTime as BsonTime, Document, doc};
use mongodb::{ClientSession, Collection};
use primitives::{PageInfo, PageRequest, StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::acts::{Act, Acting};
use super::log::Entry;
use super::pages::{Listed, page_of};
use super::{READ, bson_time, time_of, within};
use crate::domain::{Action, Ban, BanOrder};
use crate::error::{Error, Result};

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

    /// What makes any row of the same room and user this one.
    fn update(&self) -> Document {
        let mut set = doc! {
            "reason": &self.reason, "bannedBy": &self.banned_by, "createdAt": self.created_at, "tie": self.tie,
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
impl Act for BanOrder {
    type Done = BanRow;

    fn entry(&self, acting: Acting) -> Entry {
        Entry::new(acting, self.action()).ordered(self)
    }

    async fn apply(&self, acting: Acting, mongo: &Mongo, session: &mut ClientSession) -> Result<BanRow> {
        let row = BanRow {
            stream_id: acting.stream.to_string(),
            user_id: self.user.to_string(),
            reason: self.reason.clone(),
            banned_by: acting.actor.to_string(),
            created_at: bson_time(acting.now),
            expires_at: self.expires_at(acting.now).map(bson_time),
            tie: self.user.0,
        };
        let bans = bans(mongo);
        let put = bans.update_one(of(acting.stream, self.user), row.update());
        put.upsert(true).session(session).await?;
        Ok(row)
    }
}

/// Lifts a ban.
#[derive(Debug, Clone, Copy)]
pub struct Unban(pub UserId);

impl Act for Unban {
    type Done = ();

    fn entry(&self, acting: Acting) -> Entry {
        Entry::new(acting, Action::UserUnbanned).to(self.0)
    }

    async fn apply(&self, acting: Acting, mongo: &Mongo, session: &mut ClientSession) -> Result<()> {
        let ban = holding(of(acting.stream, self.0), acting.now);
        let removed = bans(mongo).delete_one(ban).session(session).await?;
        if removed.deleted_count == 1 {
            Ok(())
        } else {
            Err(Error::NoBan)
        }
    }
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
