//! What can go wrong in this service, and what of it the outside sees.

use ::domain::ErrorKind;

use crate::domain::Fenced;

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
    Domain(#[from] ::domain::Error),
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

impl From<Error> for ::domain::Error {
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

impl From<Error> for bus::Failure {
    /// An event that meets a broken row or a bug is tried again too: the next version may read it.
    fn from(error: Error) -> Self {
        match error {
            Error::Domain(error) => error.into(),
            error => Self::retry(error),
        }
    }
}
