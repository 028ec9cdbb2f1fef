use std::time::Duration;

use primitives::FieldError;

use crate::domain::{BlockedWords, Standing};

/// The longest pause of slow mode.
const LONGEST_PAUSE: u32 = 3600;

/// A room's rules. Without any said, everybody may speak.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Seconds between two messages of one user; 0 for no pause.
    pub slow_mode_seconds: u32,
    /// Only those who follow the owner speak.
    pub followers_only: bool,
    /// What may not be said.
    pub blocked_words: BlockedWords,
}

/// Why somebody may not say something in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// They may not speak.
    Banned,
    /// The text holds a blocked word; which one is not told.
    BlockedWord,
}

/// What has still to be asked before a message may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    /// The speaker has to follow the owner.
    pub follows: bool,
    /// The time since their last message has to be this long.
    pub pause: Option<Duration>,
}

impl Settings {
    /// Whether somebody may say a text here, and on which conditions. Blocked words are blocked for everyone;
    /// who moderates neither waits nor follows.
    ///
    /// # Errors
    /// Why not.
    pub fn speak(&self, standing: Standing, text: &str) -> Result<Conditions, Refusal> {
        if standing == Standing::Banned {
            return Err(Refusal::Banned);
        }
        if self.blocked_words.are_in(text) {
            return Err(Refusal::BlockedWord);
        }
        let bound = !standing.moderates();
        Ok(Conditions {
            follows: bound && self.followers_only,
            pause: (bound && self.slow_mode_seconds > 0)
                .then(|| Duration::from_secs(self.slow_mode_seconds.into())),
        })
    }
}

/// A change of a room's rules, checked. What is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// The new pause.
    pub slow_mode_seconds: Option<u32>,
    /// Whether to follow from now on.
    pub followers_only: Option<bool>,
    /// The new words, all of them.
    pub blocked_words: Option<BlockedWords>,
}

impl SettingsChange {
    /// Checks what a moderator sent.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(
        slow_mode_seconds: Option<u32>,
        followers_only: Option<bool>,
        blocked_words: Option<Vec<String>>,
    ) -> Result<Self, FieldError> {
        if slow_mode_seconds.is_some_and(|seconds| seconds > LONGEST_PAUSE) {
            return Err(FieldError::out_of_range("slowModeSeconds", 0, LONGEST_PAUSE));
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
    fn viewers_are_bound_and_moderators_are_not() {
        let viewer = settings().speak(Standing::Viewer, "hello").unwrap();
        assert_eq!(
            (viewer.follows, viewer.pause),
            (true, Some(Duration::from_secs(30)))
        );
        for standing in [Standing::Moderator, Standing::Owner, Standing::Admin] {
            let free = settings().speak(standing, "hello").unwrap();
            assert_eq!((free.follows, free.pause), (false, None), "{standing:?}");
            assert_eq!(settings().speak(standing, "BÄD"), Err(Refusal::BlockedWord));
        }
        assert_eq!(settings().speak(Standing::Banned, "bad"), Err(Refusal::Banned));
        let free = Settings::default().speak(Standing::Viewer, "bad").unwrap();
        assert_eq!((free.follows, free.pause), (false, None));
    }

    #[test]
    fn a_pause_has_a_bound() {
        assert!(SettingsChange::parse(Some(3600), None, None).is_ok());
        let refused = SettingsChange::parse(Some(3601), None, None).unwrap_err();
        assert_eq!(refused.path, "slowModeSeconds");
        let refused = SettingsChange::parse(None, None, Some(vec![String::new()])).unwrap_err();
        assert_eq!(refused.path, "blockedWords");
    }
}
