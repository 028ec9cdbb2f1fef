use chrono::{DateTime, Utc};
use proto::auth::v1::UserSummary;
use proto::chat::v1::{Ban, LogEntry, Moderator, Settings};
use proto::time::datetime;
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::rest::shape::{Found, PersonShape, TotalsShape};

/// A room's rules.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatSettings)]
pub(in crate::inbound::rest) struct SettingsShape {
    stream_id: i64,
    /// Between two messages of one user; 0 when there is no pause.
    slow_mode_seconds: u32,
    /// Only those who follow the owner speak.
    followers_only: bool,
    /// Only for those who moderate the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_words: Option<Vec<String>>,
}

impl From<Settings> for SettingsShape {
    fn from(settings: Settings) -> Self {
        Self {
            stream_id: settings.stream_id,
            slow_mode_seconds: settings.slow_mode_seconds,
            followers_only: settings.followers_only,
            blocked_words: settings.blocked_words.map(|blocked| blocked.words),
        }
    }
}

/// Somebody who may watch but not speak.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatBan)]
pub(in crate::inbound::rest) struct BanShape {
    stream_id: i64,
    user_id: i64,
    user: Option<PersonShape>,
    reason: String,
    /// Who said so.
    banned_by: i64,
    created_at: Option<DateTime<Utc>>,
    /// Null: for good.
    expires_at: Option<DateTime<Utc>>,
}

impl BanShape {
    pub(in crate::inbound::rest) fn new(ban: Ban, found: Option<&UserSummary>) -> Self {
        Self {
            stream_id: ban.stream_id,
            user_id: ban.user_id,
            user: found.map(PersonShape::from),
            banned_by: ban.banned_by,
            created_at: datetime(ban.created_at.as_ref()),
            expires_at: datetime(ban.expires_at.as_ref()),
            reason: ban.reason,
        }
    }
}

/// Who may not speak in a room now, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatBanList)]
pub(in crate::inbound::rest) struct BanListShape {
    pub(in crate::inbound::rest) bans: Vec<BanShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}

/// Somebody was banned.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatBanned)]
pub(in crate::inbound::rest) struct BannedShape {
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) ban: BanShape,
}

/// Somebody who keeps order in a room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatModerator)]
pub(in crate::inbound::rest) struct ModeratorShape {
    stream_id: i64,
    user_id: i64,
    user: Option<PersonShape>,
    /// Who said so.
    added_by: i64,
    created_at: Option<DateTime<Utc>>,
}

impl ModeratorShape {
    pub(in crate::inbound::rest) fn new(moderator: &Moderator, found: Option<&UserSummary>) -> Self {
        Self {
            stream_id: moderator.stream_id,
            user_id: moderator.user_id,
            user: found.map(PersonShape::from),
            added_by: moderator.added_by,
            created_at: datetime(moderator.created_at.as_ref()),
        }
    }
}

/// A room's own moderators, newest first; those of the whole site moderate as well.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatModeratorList)]
pub(in crate::inbound::rest) struct ModeratorListShape {
    pub(in crate::inbound::rest) moderators: Vec<ModeratorShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}

/// Somebody became a moderator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatModeratorAdded)]
pub(in crate::inbound::rest) struct ModeratorAddedShape {
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) moderator: ModeratorShape,
}

/// Something that was done to moderate a room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatLogEntry)]
pub(in crate::inbound::rest) struct LogEntryShape {
    id: String,
    /// `settings_updated`, `user_banned`, `user_timed_out`, `user_unbanned`, `moderator_added`,
    /// `moderator_removed` or `message_deleted`.
    action: String,
    actor_id: i64,
    /// Who did it; null when the account is gone.
    actor: Option<PersonShape>,
    user_id: Option<i64>,
    /// Whom it was done to.
    user: Option<PersonShape>,
    message_id: Option<String>,
    /// Of a time out.
    seconds: Option<u32>,
    reason: String,
    created_at: Option<DateTime<Utc>>,
}

impl LogEntryShape {
    pub(in crate::inbound::rest) fn new(entry: LogEntry, found: &Found) -> Self {
        let person = |id: &i64| found.get(id).map(PersonShape::from);
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

/// What was done to moderate a room, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatLog)]
pub(in crate::inbound::rest) struct LogShape {
    pub(in crate::inbound::rest) log: Vec<LogEntryShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}
