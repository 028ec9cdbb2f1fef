//! Deleted messages: the text goes, the number stays.

use chrono::{DateTime, Utc};
use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use primitives::UserId;
use storage::Mongo;

use super::acts::{Act, Acting};
use super::log::Entry;
use super::messages::{Message, messages};
use super::{bson_time, within};
use crate::domain::Action;
use crate::error::{Error, Result};

/// Takes one's own message's text away and leaves its number. False when that was done before.
///
/// # Errors
/// The store's.
pub async fn message_delete(
    mongo: &Mongo,
    message: &Message,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let (there, set) = deletion(&message.id, by, now);
    let deleted = within(messages(mongo).update_one(there, set)).await?;
    Ok(deleted.modified_count == 1)
}

/// Takes the text of somebody else's message away and leaves its number.
#[derive(Debug, Clone)]
pub struct Deletion {
    id: String,
    author: UserId,
}

impl Deletion {
    /// Of this message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        Self {
            id: message.id.clone(),
            author: message.author(),
        }
    }
}

/// A message that was deleted before is none.
impl Act for Deletion {
    type Done = ();

    fn entry(&self, acting: Acting) -> Entry {
        Entry::new(acting, Action::MessageDeleted)
            .of_message(&self.id)
            .to(self.author)
    }

    async fn apply(&self, acting: Acting, mongo: &Mongo, session: &mut ClientSession) -> Result<()> {
        let (there, set) = deletion(&self.id, acting.actor, acting.now);
        let deleted = messages(mongo).update_one(there, set).session(session).await?;
        if deleted.modified_count == 1 {
            Ok(())
        } else {
            Err(Error::NoMessage)
        }
    }
}

/// Which message, and what becomes of it.
fn deletion(id: &str, by: UserId, now: DateTime<Utc>) -> (Document, Document) {
    let there = doc! { "_id": id, "deletedAt": { "$exists": false } };
    let set = doc! { "message": "", "deletedAt": bson_time(now), "deletedBy": by.to_string() };
    (there, doc! { "$set": set })
}
