use std::time::Duration;

use chrono::{DateTime, Utc};
use primitives::{FieldError, UserId, text};

/// The longest time out, a year; more is meant for good.
const LONGEST: u32 = 31_536_000;

/// A ban as somebody wants it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanOrder {
    /// Who shall not speak.
    pub user: UserId,
    /// For how long, if not for good.
    pub seconds: Option<u32>,
    /// Why, in the moderator's words; may be empty.
    pub reason: String,
}

impl BanOrder {
    /// Checks what a moderator sent.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(user: UserId, seconds: Option<u32>, reason: &str) -> Result<Self, FieldError> {
        if seconds.is_some_and(|seconds| !(1..=LONGEST).contains(&seconds)) {
            return Err(FieldError::out_of_range("seconds", 1, LONGEST));
        }
        Ok(Self {
            user,
            seconds,
            reason: text::reason(reason)?,
        })
    }

    /// What the log calls it.
    #[must_use]
    pub fn action(&self) -> Action {
        match self.seconds {
            Some(_) => Action::UserTimedOut,
            None => Action::UserBanned,
        }
    }

    /// When it ends, if it does.
    #[must_use]
    pub fn expires_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.seconds
            .map(|seconds| now + Duration::from_secs(seconds.into()))
    }
}

/// A ban as it holds for one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// When it ends; `None` for good.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Ban {
    /// Whether it holds. It ends by itself: nobody has to remove it in time.
    #[must_use]
    pub fn holds(self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// How long it still holds, if not for good.
    #[must_use]
    pub fn left(self, now: DateTime<Utc>) -> Option<Duration> {
        self.expires_at
            .map(|end| (end - now).to_std().unwrap_or_default())
    }
}

/// What a moderator did, as the log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The room's rules changed.
    SettingsUpdated,
    /// Somebody may not speak for good.
    UserBanned,
    /// Somebody may not speak for a time.
    UserTimedOut,
    /// Somebody may speak again.
    UserUnbanned,
    /// Somebody moderates from now on.
    ModeratorAdded,
    /// Somebody moderates no more.
    ModeratorRemoved,
    /// Somebody else's message went.
    MessageDeleted,
}

impl Action {
    /// Its name in the store and in answers.
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
    fn an_order_has_bounds() {
        let order = BanOrder::parse(USER, Some(60), " spam ").unwrap();
        assert_eq!((order.reason.as_str(), order.seconds), ("spam", Some(60)));
        assert!(BanOrder::parse(USER, None, "").is_ok());
        assert!(BanOrder::parse(USER, Some(LONGEST), &"é".repeat(500)).is_ok());
        for (seconds, reason, path) in [
            (Some(0), "", "seconds"),
            (Some(LONGEST + 1), "", "seconds"),
            (None, "a\0b", "reason"),
            (None, &*"x".repeat(501), "reason"),
            (None, &*"\u{301}".repeat(5000), "reason"),
        ] {
            let refused = BanOrder::parse(USER, seconds, reason).unwrap_err();
            assert_eq!(refused.path, path, "{seconds:?} {reason:?}");
        }
    }

    #[test]
    fn a_time_out_ends_by_itself() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let order = BanOrder::parse(USER, Some(60), "").unwrap();
        let ban = Ban {
            expires_at: order.expires_at(now),
        };
        assert!(ban.holds(now) && ban.holds(now + Duration::from_millis(59_999)));
        assert!(!ban.holds(now + Duration::from_secs(60)));
        assert_eq!(
            ban.left(now + Duration::from_secs(50)),
            Some(Duration::from_secs(10))
        );
        let for_good = Ban { expires_at: None };
        assert!(for_good.holds(now + Duration::from_secs(1 << 40)));
        assert_eq!(for_good.left(now), None);
    }
}
