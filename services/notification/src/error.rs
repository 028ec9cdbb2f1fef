//! What can go wrong in this service, and what of it the outside sees.

use primitives::ErrorKind;

use crate::domain::BrokenPage;

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
    /// The job queue.
    #[error("job queue: {0}")]
    Queue(String),
    /// A peer's answer, or the caller's input.
    #[error(transparent)]
    Domain(#[from] primitives::Error),
    /// The auth service sent a page that makes no sense.
    #[error(transparent)]
    Page(#[from] BrokenPage),
    /// No notification of the caller has this id.
    #[error("no such notification")]
    NotFound,
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
            Error::NotFound => Self::new(
                ErrorKind::NotFound,
                "notification.not_found",
                "The notification does not exist.",
            ),
            Error::Queue(_) => Self::unavailable(),
            Error::Page(_) | Error::Row { .. } => {
                tracing::error!(%error, "request failed");
                Self::internal()
            }
        }
    }
}
