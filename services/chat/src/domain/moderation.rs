use std::time::Duration;

use chrono::{DateTime, Utc};
use primitives::{FieldError, StreamId, UserId, text};

/// The longest timeout: a year.
const MAX_TIMEOUT_SECONDS: u32 = 31_536_000;

/// A valid request for a chat ban.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanOrder {
    pub user: UserId,
    /// The length of a timeout; `None` for a permanent ban.
    pub seconds: Option<u32>,
    /// The moderator's reason; may be empty.
    pub reason: String,
}

impl BanOrder {
    /// Validates the length and the reason.
    pub fn parse(user: UserId, seconds: Option<u32>, reason: &str) -> Result<Self, FieldError> {
        if seconds.is_some_and(|seconds| !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds)) {
            return Err(FieldError::out_of_range("seconds", 1, MAX_TIMEOUT_SECONDS));
        }
        Ok(Self {
            user,
            seconds,
            reason: text::reason(reason)?,
        })
    }

    #[must_use]
    pub fn action(&self) -> ModerationAction {
        match self.seconds {
            Some(_) => ModerationAction::UserTimedOut,
            None => ModerationAction::UserBanned,
        }
    }

    /// When the ban ends; `None` if it is permanent.
    #[must_use]
    pub fn expires_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.seconds
            .map(|seconds| now + Duration::from_secs(seconds.into()))
    }
}

/// One user's ban in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// `None` for a permanent ban.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Ban {
    /// Whether the ban applies at `now`. A timeout ends by itself, before its row is removed.
    #[must_use]
    pub fn is_active(self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// How long a timeout still lasts; `None` if the ban is permanent.
    #[must_use]
    pub fn remaining(self, now: DateTime<Utc>) -> Option<Duration> {
        self.expires_at
            .map(|end| (end - now).to_std().unwrap_or_default())
    }
}

/// Who moderates which room, and when.
#[derive(Debug, Clone, Copy)]
pub struct ModerationContext {
    pub stream: StreamId,
    pub actor: UserId,
    pub now: DateTime<Utc>,
}

/// What a moderator did, for the moderation log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModerationAction {
    SettingsUpdated,
    UserBanned,
    UserTimedOut,
    UserUnbanned,
    ModeratorAdded,
    ModeratorRemoved,
    /// Of another user; deleting one's own message is not moderation.
    MessageDeleted,
}

impl ModerationAction {
    /// The name in the store and in responses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SettingsUpdated => "settings_updated",
            Self::UserBanned => "user_banned",
            Self::UserTimedOut => "user_timed_out",
            Self::UserUnbanned => "user_unbanned",
            Self::ModeratorAdded => "moderator_added",
            Self::ModeratorRemoved => "moderator_removed",
            Self::MessageDeleted => "message_deleted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: UserId = UserId(5);

    #[test]
    fn ban_orders_are_limited() {
        let order = BanOrder::parse(USER, Some(60), " spam ").unwrap();
        assert_eq!((order.reason.as_str(), order.seconds), ("spam", Some(60)));
        assert!(BanOrder::parse(USER, None, "").is_ok());
        assert!(BanOrder::parse(USER, Some(MAX_TIMEOUT_SECONDS), &"é".repeat(500)).is_ok());
        for (seconds, reason, path) in [
            (Some(0), "", "seconds"),
            (Some(MAX_TIMEOUT_SECONDS + 1), "", "seconds"),
            (None, "a\0b", "reason"),
            (None, &*"x".repeat(501), "reason"),
            (None, &*"\u{301}".repeat(5000), "reason"),
        ] {
            let error = BanOrder::parse(USER, seconds, reason).unwrap_err();
            assert_eq!(error.path, path, "{seconds:?} {reason:?}");
        }
    }

    #[test]
    fn timeout_ends_by_itself() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let order = BanOrder::parse(USER, Some(60), "").unwrap();
        let ban = Ban {
            expires_at: order.expires_at(now),
        };
        assert!(ban.is_active(now) && ban.is_active(now + Duration::from_millis(59_999)));
        assert!(!ban.is_active(now + Duration::from_secs(60)));
        assert_eq!(
            ban.remaining(now + Duration::from_secs(50)),
            Some(Duration::from_secs(10))
        );
        let permanent = Ban { expires_at: None };
        assert!(permanent.is_active(now + Duration::from_secs(1 << 40)));
        assert_eq!(permanent.remaining(now), None);
    }
}
