//! Where the video of a job comes from.

use primitives::RecordingName;

use super::UnknownName;

/// The folder of the bucket that admins import from.
const IMPORTS: &str = "imports/";
/// In bytes. S3 limits keys to 1,024 bytes, including the prefix of the deployment.
const MAX_LENGTH: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file on the disk of the media node.
    Disk(RecordingName),
    /// An object in the bucket.
    Object {
        /// The full key.
        key: String,
        /// In hex. Absent for imports.
        sha256: Option<String>,
    },
}

/// The kind of a [`Source`] in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    Disk,
    /// An object that was uploaded for the job, and is deleted with it.
    Upload,
    /// An object that an admin put into the bucket, and that stays.
    Import,
    /// The upload has been deleted.
    Gone,
}

impl SourceKind {
    const ALL: [Self; 4] = [Self::Disk, Self::Upload, Self::Import, Self::Gone];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Upload => "upload",
            Self::Import => "import",
            Self::Gone => "gone",
        }
    }
}

impl TryFrom<&str> for SourceKind {
    type Error = UnknownName;

    fn try_from(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or(UnknownName)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disk(file) => file.fmt(f),
            Self::Object { key, .. } => f.write_str(key),
        }
    }
}

/// The name of an object that admins may import: a path within the folder `imports/` of this deployment. It
/// cannot refer to objects of other deployments or to those of VODs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportName(String);

impl ImportName {
    /// Parses a name such as `imports/2026/talk.mp4`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let path = text.strip_prefix(IMPORTS)?;
        let valid = text.len() <= MAX_LENGTH && path.split('/').all(is_safe_segment);
        valid.then(|| Self(text.to_owned()))
    }

    /// Returns the name without the prefix of the deployment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Rejects characters and segments that have a meaning in URLs.
fn is_safe_segment(segment: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '(' | ')' | '+');
    !segment.is_empty() && !segment.starts_with('.') && segment.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_names_in_the_import_folder_are_valid() {
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

    #[test]
    fn kind_round_trip() {
        for kind in SourceKind::ALL {
            assert_eq!(SourceKind::try_from(kind.as_str()), Ok(kind));
        }
        assert_eq!(SourceKind::try_from("tape"), Err(UnknownName));
    }

    proptest! {
        #[test]
        fn no_name_leaves_the_import_folder(text in "(imports/)?[a./\\\\%?#]{0,20}") {
            if let Some(name) = ImportName::parse(&text) {
                let url = url_path(name.as_str());
                prop_assert!(url.starts_with("/b/imports/") && url.len() > "/b/imports/".len());
            }
        }
    }

    /// Returns the path of a key after a client has normalised its URL.
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
