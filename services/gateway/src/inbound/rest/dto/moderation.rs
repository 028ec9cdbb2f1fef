use chrono::{DateTime, Utc};
use proto::chat::v1 as chat;
use proto::time::datetime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Totals;
use crate::inbound::field::{BanSeconds, BlockedWords, BodyId, Reason, SlowModeSeconds};
use crate::outbound::people::{Found, Person};

/// An update of the settings of a chat room; absent fields stay the same.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatSettingsUpdate {
    /// Seconds between two messages of one user, up to 3,600; 0 turns slow mode off.
    #[schema(inline)]
    pub slow_mode_seconds: Option<SlowModeSeconds>,
    /// Only followers of the streamer may send messages.
    pub followers_only: Option<bool>,
    /// Replaces all blocked words: at most 200 of 1 to 50 characters. They match whole words, ignoring case
    /// and accents.
    #[schema(inline)]
    pub blocked_words: Option<BlockedWords>,
}

/// A chat ban to impose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewChatBan {
    #[schema(inline)]
    pub user_id: BodyId,
    /// 1 to 31,536,000 (one year); permanent if absent.
    #[schema(inline)]
    pub seconds: Option<BanSeconds>,
    /// Up to 500 characters.
    #[schema(inline)]
    pub reason: Option<Reason>,
}

/// A chat moderator to appoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewChatModerator {
    #[schema(inline)]
    pub user_id: BodyId,
}

/// The settings of a chat room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatSettings {
    pub stream_id: i64,
    /// Seconds between two messages of one user; 0 if slow mode is off.
    pub slow_mode_seconds: u32,
    /// Only followers of the streamer may send messages.
    pub followers_only: bool,
    /// Only for those who moderate the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_words: Option<Vec<String>>,
}

impl From<chat::Settings> for ChatSettings {
    fn from(settings: chat::Settings) -> Self {
        Self {
            stream_id: settings.stream_id,
            slow_mode_seconds: settings.slow_mode_seconds,
            followers_only: settings.followers_only,
            blocked_words: settings.blocked_words.map(|blocked| blocked.words),
        }
    }
}

/// A chat ban: the user may watch, but not send messages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatBan {
    pub stream_id: i64,
    pub user_id: i64,
    pub user: Option<Person>,
    pub reason: String,
    /// The id of the user who imposed the ban.
    pub banned_by: i64,
    pub created_at: Option<DateTime<Utc>>,
    /// Null if the ban is permanent.
    pub expires_at: Option<DateTime<Utc>>,
}

impl ChatBan {
    pub fn new(ban: chat::Ban, user: Option<Person>) -> Self {
        Self {
            stream_id: ban.stream_id,
            user_id: ban.user_id,
            user,
            banned_by: ban.banned_by,
            created_at: datetime(ban.created_at.as_ref()),
            expires_at: datetime(ban.expires_at.as_ref()),
            reason: ban.reason,
        }
    }
}

/// The current chat bans of a room, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatBanList {
    pub bans: Vec<ChatBan>,
    #[serde(flatten)]
    pub totals: Totals,
}

/// A chat ban that was imposed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatBanned {
    pub message: &'static str,
    pub ban: ChatBan,
}

/// A moderator of one chat room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatModerator {
    pub stream_id: i64,
    pub user_id: i64,
    pub user: Option<Person>,
    /// The id of the user who appointed the moderator.
    pub added_by: i64,
    pub created_at: Option<DateTime<Utc>>,
}

impl ChatModerator {
    pub fn new(moderator: &chat::Moderator, user: Option<Person>) -> Self {
        Self {
            stream_id: moderator.stream_id,
            user_id: moderator.user_id,
            user,
            added_by: moderator.added_by,
            created_at: datetime(moderator.created_at.as_ref()),
        }
    }
}

/// The moderators of one chat room, newest first; moderators of the whole site are not listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatModeratorList {
    pub moderators: Vec<ChatModerator>,
    #[serde(flatten)]
    pub totals: Totals,
}

/// A moderator who was appointed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatModeratorAdded {
    pub message: &'static str,
    pub moderator: ChatModerator,
}

/// An entry of a moderation log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatLogEntry {
    pub id: String,
    /// `settings_updated`, `user_banned`, `user_timed_out`, `user_unbanned`, `moderator_added`,
    /// `moderator_removed` or `message_deleted`.
    pub action: String,
    pub actor_id: i64,
    /// The user who acted; null if the account was deleted.
    pub actor: Option<Person>,
    pub user_id: Option<i64>,
    /// The affected user.
    pub user: Option<Person>,
    pub message_id: Option<String>,
    /// The length of a temporary ban.
    pub seconds: Option<u32>,
    pub reason: String,
    pub created_at: Option<DateTime<Utc>>,
}

impl ChatLogEntry {
    pub fn new(entry: chat::LogEntry, people: &Found) -> Self {
        let person = |id: &i64| people.get(id).cloned();
        Self {
            actor: person(&entry.actor_id),
            user: entry.user_id.as_ref().and_then(person),
            created_at: datetime(entry.created_at.as_ref()),
            id: entry.id,
            action: entry.action,
            actor_id: entry.actor_id,
            user_id: entry.user_id,
            message_id: entry.message_id,
            seconds: entry.seconds,
            reason: entry.reason,
        }
    }
}

/// The moderation log of a chat room, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatLog {
    pub log: Vec<ChatLogEntry>,
    #[serde(flatten)]
    pub totals: Totals,
}
