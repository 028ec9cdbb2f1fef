//! Who helps the owner of a room to keep order.

use chrono::{DateTime, Utc};
use mongodb::bson::{DateTime as BsonTime, Document, doc};
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, Collection};
use primitives::{PageInfo, PageRequest, StreamId, UserId};
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::acts::{Act, Acting};
use super::log::Entry;
use super::pages::{Listed, page_of};
use super::{READ, bson_time, time_of, within};
use crate::domain::Action;
use crate::error::{Error, Result};

/// The collection.
pub const MODERATORS: &str = "moderators";

/// A moderator as MongoDB has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moderator {
    /// The room, in decimal.
    pub stream_id: String,
    /// Who moderates, in decimal.
    pub user_id: String,
    /// Who said so, in decimal.
    pub added_by: String,
    created_at: BsonTime,
    tie: i64,
}

impl Moderator {
    /// Since when.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        time_of(self.created_at)
    }
}

impl Listed for Moderator {
    fn created_at(&self) -> BsonTime {
        self.created_at
    }

    fn tie(&self) -> i64 {
        self.tie
    }
}

fn moderators(mongo: &Mongo) -> Collection<Moderator> {
    mongo.database().collection(MODERATORS)
}

fn of(stream: StreamId, user: UserId) -> Document {
    doc! { "streamId": stream.to_string(), "userId": user.to_string() }
}

/// Whether somebody is one.
///
/// # Errors
/// The store's.
pub async fn moderator_exists(mongo: &Mongo, stream: StreamId, user: UserId) -> Result<bool> {
    let moderators = moderators(mongo);
    let found = moderators.find_one(of(stream, user)).max_time(READ);
    Ok(within(found).await?.is_some())
}

/// Makes somebody a moderator; who is one already stays one, since when and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Appoint(pub UserId);

impl Act for Appoint {
    type Done = Moderator;

    fn entry(&self, acting: Acting) -> Entry {
        Entry::new(acting, Action::ModeratorAdded).to(self.0)
    }

    async fn apply(&self, acting: Acting, mongo: &Mongo, session: &mut ClientSession) -> Result<Moderator> {
        let new = doc! {
            "addedBy": acting.actor.to_string(), "createdAt": bson_time(acting.now), "tie": self.0.0,
        };
        let moderators = moderators(mongo);
        let put = moderators
            .find_one_and_update(of(acting.stream, self.0), doc! { "$setOnInsert": new })
            .upsert(true)
            .return_document(ReturnDocument::After);
        let there = put.session(session).await?;
        there.ok_or_else(|| Error::Internal("an upsert answered no moderator".to_owned()))
    }
}

/// Makes a moderator somebody like all.
#[derive(Debug, Clone, Copy)]
pub struct Dismiss(pub UserId);

impl Act for Dismiss {
    type Done = ();

    fn entry(&self, acting: Acting) -> Entry {
        Entry::new(acting, Action::ModeratorRemoved).to(self.0)
    }

    async fn apply(&self, acting: Acting, mongo: &Mongo, session: &mut ClientSession) -> Result<()> {
        let moderators = moderators(mongo);
        let removed = moderators
            .delete_one(of(acting.stream, self.0))
            .session(session)
            .await?;
        if removed.deleted_count == 1 {
            Ok(())
        } else {
            Err(Error::NoModerator)
        }
    }
}

/// A room's moderators, newest first.
///
/// # Errors
/// The store's.
pub async fn moderators_list(
    mongo: &Mongo,
    stream: StreamId,
    page: &PageRequest,
) -> Result<(Vec<Moderator>, PageInfo)> {
    page_of(mongo, MODERATORS, doc! { "streamId": stream.to_string() }, page).await
}
