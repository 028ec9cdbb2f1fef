//! Errors of this service, and what a caller sees of them.

use primitives::ErrorKind;

use crate::domain::UnsortedPage;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// From PostgreSQL or Redis.
    #[error(transparent)]
    Store(#[from] storage::Error),
    #[error(transparent)]
    Bus(#[from] bus::Error),
    #[error("job queue: {0}")]
    Queue(String),
    /// From a peer, or about the caller's input.
    #[error(transparent)]
    Domain(#[from] primitives::Error),
    /// Auth returned a page that would send a fan-out in circles.
    #[error(transparent)]
    UnsortedPage(#[from] UnsortedPage),
    /// The caller has no notification with this id.
    #[error("notification not found")]
    NotFound,
    /// A row that this version cannot read.
    #[error("corrupt row {row} in table {table}")]
    CorruptRow { table: &'static str, row: i64 },
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
            Error::NotFound => Self::new(
                ErrorKind::NotFound,
                "notification.not_found",
                "Notification not found.",
            ),
            Error::Queue(_) => Self::unavailable(),
            Error::UnsortedPage(_) | Error::CorruptRow { .. } => {
                tracing::error!(%error, "request failed");
                Self::internal()
            }
        }
    }
}
