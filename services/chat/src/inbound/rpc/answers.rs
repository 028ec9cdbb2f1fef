//! Our rows as protobuf messages.

use proto::chat::v1::{Ban, LogEntry, Message as MessageMessage, Moderator as ModeratorMessage};
use proto::time::timestamp;

use crate::store::bans::BanRow;
use crate::store::log::Entry;
use crate::store::messages::Message;
use crate::store::moderators::Moderator;

impl From<Message> for MessageMessage {
    fn from(message: Message) -> Self {
        Self {
            stream_id: message.stream().0,
            user_id: message.author().0,
            timestamp: Some(timestamp(message.time())),
            id: message.id,
            seq: message.seq,
            username: message.username,
            message: message.message,
            deleted: message.deleted_at.is_some(),
        }
    }
}

impl From<BanRow> for Ban {
    fn from(ban: BanRow) -> Self {
        Self {
            stream_id: number(&ban.stream_id),
            user_id: number(&ban.user_id),
            banned_by: number(&ban.banned_by),
            created_at: Some(timestamp(ban.created_at())),
            expires_at: ban.expires_at().map(timestamp),
            reason: ban.reason,
        }
    }
}

impl From<Moderator> for ModeratorMessage {
    fn from(moderator: Moderator) -> Self {
        Self {
            stream_id: number(&moderator.stream_id),
            user_id: number(&moderator.user_id),
            added_by: number(&moderator.added_by),
            created_at: Some(timestamp(moderator.created_at())),
        }
    }
}

impl From<Entry> for LogEntry {
    fn from(entry: Entry) -> Self {
        Self {
            actor_id: number(&entry.actor_id),
            user_id: entry.user_id.as_deref().map(number),
            created_at: Some(timestamp(entry.created_at())),
            id: entry.id,
            action: entry.action,
            message_id: entry.message_id,
            seconds: entry.seconds.and_then(|seconds| u32::try_from(seconds).ok()),
            reason: entry.reason,
        }
    }
}

/// An id as MongoDB has it.
fn number(id: &str) -> i64 {
    id.parse().unwrap_or(0)
}
