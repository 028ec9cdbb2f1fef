//! Errors of this service, and how callers see them.

use std::time::Duration;

use primitives::{ErrorKind, FieldError};

use crate::domain::{Fenced, NoSlot};

/// When a client that found no upload slot may retry.
const UPLOAD_RETRY_AFTER: Duration = Duration::from_secs(30);

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] storage::Error),
    #[error(transparent)]
    Bus(#[from] bus::Error),
    #[error(transparent)]
    Bucket(#[from] bucket::Error),
    /// An error of a peer, or invalid input.
    #[error(transparent)]
    Domain(#[from] primitives::Error),
    /// Also returned for a VOD that the caller may not see.
    #[error("VOD not found")]
    NotFound,
    /// The caller may see the VOD but not change it.
    #[error("the VOD belongs to another user")]
    NotOwner,
    #[error("category not found")]
    NoCategory,
    #[error("the VOD has not failed")]
    NotFailed,
    /// The source of a failed VOD has been deleted.
    #[error("the source of the VOD no longer exists")]
    SourceGone,
    /// The object to import does not exist.
    #[error("object not found")]
    NoObject,
    #[error("another VOD was made from the object")]
    AlreadyImported,
    #[error("user not found")]
    NoUser,
    #[error("admins only")]
    AdminOnly,
    #[error("not a supported video")]
    NotAVideo,
    #[error("the upload is too slow")]
    TooSlow,
    #[error(transparent)]
    NoSlot(#[from] NoSlot),
    #[error("the stream has no VOD")]
    StreamHasNoVod,
    #[error(transparent)]
    Fenced(#[from] Fenced),
    /// This version cannot read the row.
    #[error("invalid row {row} in table {table}")]
    Row { table: &'static str, row: i64 },
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::Domain(field.into())
    }
}

impl From<Error> for primitives::Error {
    fn from(error: Error) -> Self {
        let (kind, code, detail) = match &error {
            Error::Store(_) | Error::Bus(_) | Error::Domain(_) | Error::Bucket(_) => return upstream(error),
            Error::Fenced(_) | Error::Row { .. } => return internal(&error),
            Error::NotFound => (ErrorKind::NotFound, "vod.not_found", "VOD not found."),
            Error::NotOwner => (
                ErrorKind::Forbidden,
                "vod.forbidden",
                "The VOD belongs to another user.",
            ),
            Error::NoCategory => (ErrorKind::NotFound, "category.not_found", "Category not found."),
            Error::NotFailed => (
                ErrorKind::Conflict,
                "vod.not_failed",
                "Only a failed VOD can be retried.",
            ),
            Error::SourceGone => (
                ErrorKind::Conflict,
                "vod.source_gone",
                "The source file no longer exists.",
            ),
            Error::NoObject => (ErrorKind::NotFound, "vod.object_not_found", "Object not found."),
            Error::AlreadyImported => (
                ErrorKind::Conflict,
                "vod.already_imported",
                "The object has already been imported.",
            ),
            Error::NoUser => (ErrorKind::NotFound, "user.not_found", "User not found."),
            Error::AdminOnly => (
                ErrorKind::Forbidden,
                "auth.admin_only",
                "Only admins may do this.",
            ),
            Error::NotAVideo => (
                ErrorKind::UnsupportedMedia,
                "upload.unsupported_media",
                "The file must be an MP4, MOV, MKV, WebM, FLV, MPEG-TS or AVI.",
            ),
            Error::TooSlow => (ErrorKind::Invalid, "upload.incomplete", "The upload is too slow."),
            Error::NoSlot(NoSlot::UserLimit) => (
                ErrorKind::RateLimited,
                "upload.too_many",
                "You have too many concurrent uploads.",
            ),
            Error::NoSlot(NoSlot::ProcessLimit) => (
                ErrorKind::Unavailable,
                "upload.busy",
                "Too many uploads are in progress. Try again later.",
            ),
            Error::StreamHasNoVod => (ErrorKind::NotFound, "vod.not_found", "The stream has no VOD."),
        };
        Self {
            fields: error.field().into_iter().collect(),
            retry_after: matches!(error, Error::NoSlot(_)).then_some(UPLOAD_RETRY_AFTER),
            ..Self::new(kind, code, detail)
        }
    }
}

impl Error {
    /// Returns the field that caused the error, where one is to blame.
    fn field(&self) -> Option<FieldError> {
        let rule = "must be an MP4, MOV, MKV, WebM, FLV, MPEG-TS or AVI";
        matches!(self, Self::NotAVideo).then(|| FieldError::new("videoFile", "unsupported_media", rule))
    }
}

fn upstream(error: Error) -> primitives::Error {
    if let Error::Bucket(cause) = &error
        && cause.is_transient()
    {
        tracing::warn!(error = %cause, "bucket request failed");
        return primitives::Error::unavailable();
    }
    match error {
        Error::Store(error) => error.into(),
        Error::Bus(error) => error.into(),
        Error::Domain(error) => error,
        error => internal(&error),
    }
}

fn internal(error: &Error) -> primitives::Error {
    tracing::error!(%error, "request failed");
    primitives::Error::internal()
}

impl From<Error> for bus::HandlerError {
    /// Retries even after an invalid row or a bug, because the next version may handle the event.
    fn from(error: Error) -> Self {
        match error {
            Error::Domain(error) => error.into(),
            error => Self::retry(error),
        }
    }
}
