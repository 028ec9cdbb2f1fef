//! Names of recordings: `<playback name>-<unix time>.flv`, made by nginx-rtmp's `record_unique`.

use chrono::{DateTime, Utc};

use super::PlaybackName;

/// A recording's base name, checked and taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingName {
    /// Whose it is.
    pub stream: PlaybackName,
    /// When nginx opened it, to the second.
    pub opened_at: DateTime<Utc>,
    text: String,
}

impl RecordingName {
    /// Takes the base name of a recording; a path, and every other name, is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (stream, time) = text.strip_suffix(".flv")?.split_once('-')?;
        let digits = (9..=11).contains(&time.len()) && time.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = time.parse().ok().filter(|_| digits)?;
        Some(Self {
            stream: PlaybackName::parse(stream).ok()?,
            opened_at: DateTime::from_timestamp(seconds, 0)?,
            text: text.to_owned(),
        })
    }

    /// Takes the last part of an absolute path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (directory, name) = path.rsplit_once('/')?;
        let plain = !directory.split('/').any(|part| part == "..");
        Self::parse(name).filter(|_| plain)
    }

    /// The base name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "abcdefghijklmnopqrst";

    #[test]
    fn a_recording_names_its_stream_and_time() {
        let name = RecordingName::of_path(&format!("/var/rec/{NAME}-1795374426.flv")).unwrap();
        assert_eq!(name.stream.as_str(), NAME);
        assert_eq!(name.opened_at.timestamp(), 1_795_374_426);
        assert_eq!(name.as_str(), format!("{NAME}-1795374426.flv"));
    }

    #[test]
    fn other_files_are_no_recordings() {
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
            assert_eq!(RecordingName::of_path(bad), None, "{bad:?}");
        }
    }
}
