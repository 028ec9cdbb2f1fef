//! What can go wrong in this service, and what of it the outside sees.

use std::time::Duration;

use primitives::{ErrorKind, FieldError};

use crate::domain::Fenced;
use crate::slots::{Full, MOST_OF_USER};

/// When somebody who found no place for an upload may look again.
const RETRY_UPLOAD: Duration = Duration::from_secs(30);

/// The result of this service's own calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL or Redis.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] bus::Error),
    /// The bucket.
    #[error(transparent)]
    Bucket(#[from] bucket::Error),
    /// A peer's answer, or the caller's input.
    #[error(transparent)]
    Domain(#[from] primitives::Error),
    /// There is no such VOD, or the caller may not see it.
    #[error("no such VOD")]
    NotFound,
    /// The caller sees the VOD but may not change it.
    #[error("not the caller's VOD")]
    NotYours,
    /// There is no such category, as far as we have heard.
    #[error("no such category")]
    NoCategory,
    /// Only a VOD that failed, and whose recording is known, is tried again.
    #[error("nothing to try again")]
    NotFailed,
    /// What a VOD would be made of again is gone.
    #[error("the source is gone")]
    SourceGone,
    /// Nothing in the bucket has the name that is to be imported.
    #[error("no such object")]
    NoObject,
    /// Another VOD was made of the object.
    #[error("imported already")]
    AlreadyImported,
    /// There is no such user, as far as we have heard.
    #[error("no such user")]
    NoUser,
    /// Only admins may.
    #[error("admins only")]
    AdminOnly,
    /// The file does not begin like a video.
    #[error("not a video")]
    NotAVideo,
    /// The caller sends too slowly, or not at all any more.
    #[error("the upload is too slow")]
    TooSlow,
    /// There is no place for another upload.
    #[error("no place for an upload: {0:?}")]
    Full(Full),
    /// The stream has no VOD yet.
    #[error("no VOD of the stream")]
    NoneOfStream,
    /// Another worker has the job now.
    #[error(transparent)]
    Fenced(#[from] Fenced),
    /// A row that this version cannot read.
    #[error("inconsistency in table {table}, row {row}")]
    Row {
        /// The table.
        table: &'static str,
        /// The row's id.
        row: i64,
    },
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for primitives::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Bus(error) => error.into(),
            Error::Domain(error) => error,
            Error::NotFound => Self::new(ErrorKind::NotFound, "vod.not_found", "The VOD does not exist."),
            Error::NotYours => Self::new(
                ErrorKind::Forbidden,
                "vod.forbidden",
                "The VOD belongs to somebody else.",
            ),
            Error::NoCategory => Self::new(ErrorKind::NotFound, "category.not_found", "Category not found."),
            Error::NotFailed => Self::new(
                ErrorKind::Conflict,
                "vod.not_failed",
                "Only a video that failed can be tried again.",
            ),
            Error::SourceGone
            | Error::AlreadyImported
            | Error::NoObject
            | Error::NoUser
            | Error::AdminOnly => refused(&error),
            Error::NotAVideo | Error::TooSlow | Error::Full(_) => not_taken(&error),
            Error::NoneOfStream => {
                Self::new(ErrorKind::NotFound, "vod.not_found", "The stream has no VOD yet.")
            }
            Error::Bucket(error) if error.is_transient() => {
                tracing::warn!(%error, "bucket call failed");
                Self::unavailable()
            }
            Error::Bucket(_) | Error::Fenced(_) | Error::Row { .. } => {
                tracing::error!(%error, "request failed");
                Self::internal()
            }
        }
    }
}

fn refused(error: &Error) -> primitives::Error {
    let (kind, code, detail) = match error {
        Error::SourceGone => (
            ErrorKind::Conflict,
            "vod.source_gone",
            "The file that the video was to be made of is gone.",
        ),
        Error::AlreadyImported => (
            ErrorKind::Conflict,
            "vod.already_imported",
            "Another video was made of this object.",
        ),
        Error::NoObject => (
            ErrorKind::NotFound,
            "vod.object_not_found",
            "There is no such object in the storage.",
        ),
        Error::NoUser => (ErrorKind::NotFound, "user.not_found", "User not found."),
        _ => (
            ErrorKind::Forbidden,
            "auth.admin_only",
            "Only admins may do this.",
        ),
    };
    primitives::Error::new(kind, code, detail)
}

/// Why an upload is not taken.
fn not_taken(error: &Error) -> primitives::Error {
    match error {
        Error::NotAVideo => primitives::Error {
            fields: vec![FieldError::new(
                "videoFile",
                "invalid",
                "must be an MP4, MOV, MKV, WebM, FLV, MPEG-TS or AVI",
            )],
            ..primitives::Error::new(
                ErrorKind::UnsupportedMedia,
                "upload.unsupported_media",
                "The file is no MP4, MOV, MKV, WebM, FLV, MPEG-TS or AVI.",
            )
        },
        Error::Full(Full::User) => primitives::Error {
            retry_after: Some(RETRY_UPLOAD),
            ..primitives::Error::new(
                ErrorKind::RateLimited,
                "upload.too_many",
                format!("No more than {MOST_OF_USER} uploads at once."),
            )
        },
        Error::Full(Full::All) => primitives::Error {
            retry_after: Some(RETRY_UPLOAD),
            ..primitives::Error::new(
                ErrorKind::Unavailable,
                "upload.busy",
                "Too many videos are being uploaded, try again soon.",
            )
        },
        _ => primitives::Error::new(
            ErrorKind::Invalid,
            "upload.incomplete",
            "The upload came too slowly.",
        ),
    }
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::Domain(field.into())
    }
}

impl From<Error> for bus::Failure {
    /// An event that meets a broken row or a bug is tried again too: the next version may read it.
    fn from(error: Error) -> Self {
        match error {
            Error::Domain(error) => error.into(),
            error => Self::retry(error),
        }
    }
}
