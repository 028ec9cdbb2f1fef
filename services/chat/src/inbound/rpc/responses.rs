//! Conversions of rows to protobuf messages.

use proto::chat::v1 as pb;
use proto::time::timestamp;

use crate::store::bans::BanRow;
use crate::store::log::LogEntry;
use crate::store::moderators::ModeratorRow;

impl From<BanRow> for pb::Ban {
    fn from(ban: BanRow) -> Self {
        Self {
            stream_id: id(&ban.stream_id),
            user_id: id(&ban.user_id),
            banned_by: id(&ban.banned_by),
            created_at: Some(timestamp(ban.created_at())),
            expires_at: ban.expires_at().map(timestamp),
            reason: ban.reason,
        }
    }
}

impl From<ModeratorRow> for pb::Moderator {
    fn from(moderator: ModeratorRow) -> Self {
        Self {
            stream_id: id(&moderator.stream_id),
            user_id: id(&moderator.user_id),
            added_by: id(&moderator.added_by),
            created_at: Some(timestamp(moderator.created_at())),
        }
    }
}

impl From<LogEntry> for pb::LogEntry {
    fn from(entry: LogEntry) -> Self {
        Self {
            actor_id: id(&entry.actor_id),
            user_id: entry.user_id.as_deref().map(id),
            created_at: Some(timestamp(entry.created_at())),
            id: entry.id,
            action: entry.action,
            message_id: entry.message_id,
            seconds: entry.seconds.and_then(|seconds| u32::try_from(seconds).ok()),
            reason: entry.reason,
        }
    }
}

/// Ids are stored as decimal strings.
fn id(id: &str) -> i64 {
    id.parse().unwrap_or(0)
}
