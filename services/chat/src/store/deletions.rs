//! Deletion of messages: the text is removed, and the tombstone keeps the sequence number.

use chrono::{DateTime, Utc};
use mongodb::bson::{Document, doc};
use primitives::UserId;
use storage::Mongo;

use super::command::{bson_time, require_one, within};
use super::log::LogEntry;
use super::messages::{Message, messages};
use super::moderation::{ModerationCommand, Transaction};
use crate::domain::{ModerationAction, ModerationContext};
use crate::error::{Error, Result};

/// Deletes a user's own message. Returns false if it was already deleted.
pub async fn message_delete(
    mongo: &Mongo,
    message: &Message,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let (undeleted, tombstone) = deletion(&message.id, by, now);
    let deleted = within(messages(mongo).update_one(undeleted, tombstone)).await?;
    Ok(deleted.modified_count == 1)
}

/// Deletes the message of another user. Fails with [`Error::MessageNotFound`] if it was already deleted.
#[derive(Debug, Clone)]
pub struct DeleteMessage {
    id: String,
    author: UserId,
}

impl DeleteMessage {
    #[must_use]
    pub fn new(message: &Message) -> Self {
        Self {
            id: message.id.clone(),
            author: message.author(),
        }
    }
}

impl ModerationCommand for DeleteMessage {
    type Output = ();

    fn entry(&self, context: ModerationContext) -> LogEntry {
        LogEntry::new(context, ModerationAction::MessageDeleted)
            .message(&self.id)
            .about(self.author)
    }

    async fn apply(&self, tx: Transaction<'_>) -> Result<()> {
        let (undeleted, tombstone) = deletion(&self.id, tx.context.actor, tx.context.now);
        let deleted = messages(tx.mongo)
            .update_one(undeleted, tombstone)
            .session(tx.session)
            .await?;
        require_one(deleted.modified_count, Error::MessageNotFound)
    }
}

/// Returns the filter and the update.
fn deletion(id: &str, by: UserId, now: DateTime<Utc>) -> (Document, Document) {
    let undeleted = doc! { "_id": id, "deletedAt": { "$exists": false } };
    let set = doc! { "message": "", "deletedAt": bson_time(now), "deletedBy": by.to_string() };
    (undeleted, doc! { "$set": set })
}
