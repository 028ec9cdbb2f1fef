//! Names of recordings: `<playback name>-<unix time>.flv`, made by nginx-rtmp's `record_unique`.

/// A recording's base name, checked: it names nothing outside its directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordingName(String);

impl RecordingName {
    /// Takes the base name of a recording; a path, and every other name, is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (stream, time) = text.strip_suffix(".flv")?.rsplit_once('-')?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = (1..=128).contains(&stream.len())
            && stream.bytes().all(plain)
            && (1..=11).contains(&time.len())
            && time.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self(text.to_owned()))
    }

    /// The base name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RecordingName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_recordings_are_recordings() {
        for good in [
            "alice-1795376364.flv",
            "a-b_c-1.flv",
            "abcdefghijklmnopqrst-1795376364.flv",
        ] {
            assert_eq!(RecordingName::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".flv",
            "alice.flv",
            "-1.flv",
            "alice-.flv",
            "alice-1.mp4",
            "../alice-1.flv",
            "a/b-1.flv",
            ".x-1.flv",
            "alice-1795376364.flv.part",
            "alice-179537636400.flv",
            "alice-1e3.flv",
            "al ice-1.flv",
        ] {
            assert_eq!(RecordingName::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_directory(text in "\\PC{0,40}") {
            if let Some(name) = RecordingName::parse(&text) {
                prop_assert!(!name.as_str().contains(['/', '\\', '%']) && !name.as_str().starts_with('.'));
            }
        }
    }
}
