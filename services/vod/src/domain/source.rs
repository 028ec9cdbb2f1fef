//! Where the video of a job comes from.

use super::RecordingName;

/// The folder of the bucket from which admins import.
const IMPORTS: &str = "imports/";
/// S3's own limit is 1,024 bytes, the deployment's prefix included.
const MOST_BYTES: usize = 512;

/// Where the video of a job comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file on the media node's disk.
    Disk(RecordingName),
    /// An object of the bucket.
    Object {
        /// Its whole key.
        key: String,
        /// Its SHA-256 in hex, when we put it there.
        sha256: Option<String>,
    },
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disk(file) => file.fmt(f),
            Self::Object { key, .. } => f.write_str(key),
        }
    }
}

/// The name of an object that admins may import, checked: it is in the folder `imports/` of this deployment.
/// A key of another deployment, or of a VOD, cannot be written that way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportName(String);

impl ImportName {
    /// Takes a name such as `imports/2026/talk.mp4`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inside = text.strip_prefix(IMPORTS)?;
        let fits = text.len() <= MOST_BYTES && inside.split('/').all(is_plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name without the deployment's prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Nothing that a URL reads as more than a name.
fn is_plain(part: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '(' | ')' | '+');
    !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_is_in_the_folder_is_imported() {
        for good in ["imports/a.mp4", "imports/2026/Đá bóng (1).mov", "imports/x/y/z"] {
            assert_eq!(ImportName::parse(good).unwrap().as_str(), good);
        }
        let long = format!("imports/{}", "a".repeat(600));
        for bad in [
            "",
            "imports",
            "imports/",
            "a.mp4",
            "/imports/a",
            "imports//a",
            "imports/../recordings/1.mp4",
            "imports/./a",
            "imports/a/",
            "imports/..",
            "imports/a\\..\\b",
            "imports/%2e%2e/a",
            "imports/a?b",
            "imports/a#b",
            "imports/a\n",
            "recordings/1/1.mp4",
            "other/imports/a.mp4",
            "Imports/a",
            &long,
        ] {
            assert_eq!(ImportName::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leaves_the_folder(text in "(imports/)?[a./\\\\%?#]{0,20}") {
            if let Some(name) = ImportName::parse(&text) {
                let url = url_path(name.as_str());
                prop_assert!(url.starts_with("/b/imports/") && url.len() > "/b/imports/".len());
            }
        }
    }

    /// How a client that tidies URLs up reads the key.
    fn url_path(key: &str) -> String {
        let uri: http::Uri = format!("http://s3/b/{key}").parse().unwrap();
        assert!(uri.query().is_none());
        let mut parts: Vec<&str> = Vec::new();
        for part in uri.path().split('/').skip(1) {
            match part {
                ".." => drop(parts.pop()),
                "." => {}
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }
}
