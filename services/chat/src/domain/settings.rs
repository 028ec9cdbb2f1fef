use std::time::Duration;

use primitives::FieldError;

use super::standing::Standing;
use super::words::BlockedWords;

/// The longest pause of slow mode.
const MAX_SLOW_MODE_SECONDS: u32 = 3600;

/// The settings of a chat room. By default, every user may send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The pause between two messages of one user; 0 turns slow mode off.
    pub slow_mode_seconds: u32,
    /// Whether only followers of the owner may send.
    pub followers_only: bool,
    pub blocked_words: BlockedWords,
}

/// Why a message may not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRejection {
    /// The user has a chat ban.
    Banned,
    /// The text contains a blocked word. The word is not named.
    BlockedWord,
}

/// What remains to be checked before a message may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendConditions {
    /// The user must follow the owner.
    pub must_follow: bool,
    /// The minimum time since the user's last message.
    pub pause: Option<Duration>,
}

impl Settings {
    /// Checks whether a user may send a text, and on which conditions. Blocked words apply to everyone; slow
    /// mode and followers-only do not apply to moderators.
    pub fn check(&self, standing: Standing, text: &str) -> Result<SendConditions, MessageRejection> {
        if standing == Standing::Banned {
            return Err(MessageRejection::Banned);
        }
        if self.blocked_words.match_text(text) {
            return Err(MessageRejection::BlockedWord);
        }
        let restricted = !standing.moderates();
        Ok(SendConditions {
            must_follow: restricted && self.followers_only,
            pause: (restricted && self.slow_mode_seconds > 0)
                .then(|| Duration::from_secs(self.slow_mode_seconds.into())),
        })
    }
}

/// A valid update of a room's settings. Fields that are `None` stay unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsUpdate {
    pub slow_mode_seconds: Option<u32>,
    pub followers_only: Option<bool>,
    /// Replaces all words.
    pub blocked_words: Option<BlockedWords>,
}

impl SettingsUpdate {
    pub fn parse(
        slow_mode_seconds: Option<u32>,
        followers_only: Option<bool>,
        blocked_words: Option<Vec<String>>,
    ) -> Result<Self, FieldError> {
        if slow_mode_seconds.is_some_and(|seconds| seconds > MAX_SLOW_MODE_SECONDS) {
            return Err(FieldError::out_of_range(
                "slowModeSeconds",
                0,
                MAX_SLOW_MODE_SECONDS,
            ));
        }
        Ok(Self {
            slow_mode_seconds,
            followers_only,
            blocked_words: blocked_words.map(BlockedWords::parse).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            slow_mode_seconds: 30,
            followers_only: true,
            blocked_words: BlockedWords::parse(["bad".to_owned()]).unwrap(),
        }
    }

    #[test]
    fn settings_restrict_viewers_but_not_moderators() {
        let viewer = settings().check(Standing::Viewer, "hello").unwrap();
        assert_eq!(
            (viewer.must_follow, viewer.pause),
            (true, Some(Duration::from_secs(30)))
        );
        for standing in [Standing::Moderator, Standing::Owner, Standing::Admin] {
            let free = settings().check(standing, "hello").unwrap();
            assert_eq!((free.must_follow, free.pause), (false, None), "{standing:?}");
            assert_eq!(
                settings().check(standing, "BÄD"),
                Err(MessageRejection::BlockedWord)
            );
        }
        assert_eq!(
            settings().check(Standing::Banned, "bad"),
            Err(MessageRejection::Banned)
        );
        let free = Settings::default().check(Standing::Viewer, "bad").unwrap();
        assert_eq!((free.must_follow, free.pause), (false, None));
    }

    #[test]
    fn updates_are_validated() {
        assert!(SettingsUpdate::parse(Some(3600), None, None).is_ok());
        let error = SettingsUpdate::parse(Some(3601), None, None).unwrap_err();
        assert_eq!(error.path, "slowModeSeconds");
        let error = SettingsUpdate::parse(None, None, Some(vec![String::new()])).unwrap_err();
        assert_eq!(error.path, "blockedWords");
    }
}
