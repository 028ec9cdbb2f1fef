//! File names of recordings.

use std::fmt;

use chrono::{DateTime, Utc};

/// Characters of a playback name: 100 bits, so that the link of an unannounced stream cannot be guessed.
pub const PLAYBACK_NAME_LENGTH: usize = 20;
/// RFC 4648 base 32 in lower case: its digits are not mistaken for letters.
pub const PLAYBACK_NAME_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The base name of a recording, `<playback name>-<Unix time>.flv`, as nginx-rtmp builds it with
/// `record_unique`.
///
/// nginx-rtmp writes the time as a decimal number without leading zeros. It percent-encodes other characters
/// than those of playback names, but never gets to write them: the `on_publish` hook accepts only playback
/// names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingName {
    pub playback_name: String,
    /// When nginx opened the file, in whole seconds.
    pub opened_at: DateTime<Utc>,
    text: String,
}

impl RecordingName {
    /// Parses a base name. Returns `None` for paths and all other names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (playback_name, time) = text.strip_suffix(".flv")?.split_once('-')?;
        // Nine digits reach back to 1973; eleven last until the year 5138.
        let is_time = (9..=11).contains(&time.len())
            && time.bytes().all(|byte| byte.is_ascii_digit())
            && !time.starts_with('0');
        let seconds = time.parse().ok().filter(|_| is_time)?;
        Some(Self {
            playback_name: Some(playback_name)
                .filter(|name| is_playback_name(name))?
                .to_owned(),
            opened_at: DateTime::from_timestamp(seconds, 0)?,
            text: text.to_owned(),
        })
    }

    /// Parses the last segment of an absolute path. Returns `None` if the path contains `..`.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        let (directory, name) = path.rsplit_once('/')?;
        let plain = !directory.split('/').any(|segment| segment == "..");
        Self::parse(name).filter(|_| plain)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RecordingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns whether `text` has the form of a playback name: 20 characters of the base 32 alphabet.
#[must_use]
pub fn is_playback_name(text: &str) -> bool {
    text.len() == PLAYBACK_NAME_LENGTH && text.bytes().all(|byte| PLAYBACK_NAME_ALPHABET.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAME: &str = "abcdefghijklmnopqrst";

    #[test]
    fn name_yields_playback_name_and_time() {
        let text = format!("{NAME}-1795374426.flv");
        for name in [
            RecordingName::parse(&text),
            RecordingName::from_path(&format!("/var/rec/{text}")),
        ] {
            let name = name.unwrap();
            assert_eq!(name.playback_name, NAME);
            assert_eq!(name.opened_at.timestamp(), 1_795_374_426);
            assert_eq!((name.as_str(), name.to_string()), (text.as_str(), text.clone()));
        }
    }

    #[test]
    fn other_names_are_rejected() {
        for bad in [
            "",
            ".flv",
            &format!("{NAME}.flv"),
            "-1795374426.flv",
            &format!("{NAME}-.flv"),
            &format!("{NAME}-1.flv"),
            &format!("{NAME}-0795374426.flv"),
            &format!("{NAME}-1795374426.mp4"),
            &format!("{NAME}-1795374426.flv.part"),
            &format!("{NAME}-179537442600.flv"),
            &format!("{NAME}-+795374426.flv"),
            &format!("{NAME}-179537442e3.flv"),
            &format!("{NAME}-x-1795374426.flv"),
            &format!("../{NAME}-1795374426.flv"),
            &format!("a/{NAME}-1795374426.flv"),
            &format!(".{NAME}-1795374426.flv"),
            "alice-1795374426.flv",
            "ABCDEFGHIJKLMNOPQRST-1795374426.flv",
            "abcdefghij%20mnopqrs-1795374426.flv",
            "abcdefghij lmnopqrst-1795374426.flv",
        ] {
            assert_eq!(RecordingName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn other_paths_are_rejected() {
        for bad in [
            "/etc/passwd",
            "",
            "/",
            "x",
            &format!("{NAME}-1795374426.flv"),
            &format!("/var/rec/{NAME}-1795374426.mp4"),
            &format!("/var/rec/{NAME}-.flv"),
            &format!("/var/rec/{NAME}-+795374426.flv"),
            &format!("/var/rec/{NAME}-99999999999999999999.flv"),
            &format!("/var/../rec/{NAME}-1795374426.flv"),
            &format!("/var/rec/{NAME}-1795374426.flv/.."),
        ] {
            assert_eq!(RecordingName::from_path(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_directory(text in "(\\PC{0,40}|[a-z2-7./%-]{20}-[0-9]{8,12}.flv)") {
            if let Some(name) = RecordingName::parse(&text) {
                prop_assert!(!name.as_str().contains(['/', '\\', '%']) && !name.as_str().starts_with('.'));
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
