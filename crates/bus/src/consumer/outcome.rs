//! What a handler may answer.

use std::error::Error as StdError;

use primitives::ErrorKind;

type Cause = Box<dyn StdError + Send + Sync>;

/// Why a handler did not finish its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It may work later: the message comes back after a pause, a bounded number of times.
    #[error("retry: {0}")]
    Retry(#[source] Cause),
    /// It will never work: the message becomes a dead letter at once.
    #[error("fail: {0}")]
    Fail(#[source] Cause),
}

impl Failure {
    /// It may work later.
    pub fn retry(cause: impl Into<Cause>) -> Self {
        Self::Retry(cause.into())
    }

    /// It will never work.
    pub fn fail(cause: impl Into<Cause>) -> Self {
        Self::Fail(cause.into())
    }
}

impl From<storage::Error> for Failure {
    /// A row that is missing today may be there tomorrow, so nothing that a store says is final.
    fn from(error: storage::Error) -> Self {
        Self::retry(error)
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        storage::Error::from(error).into()
    }
}

impl From<primitives::Error> for Failure {
    fn from(error: primitives::Error) -> Self {
        match error.kind {
            ErrorKind::Unavailable
            | ErrorKind::Internal
            | ErrorKind::RateLimited
            | ErrorKind::Unauthenticated => Self::retry(error),
            ErrorKind::Invalid
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::TooLarge
            | ErrorKind::UnsupportedMedia
            | ErrorKind::Unprocessable => Self::fail(error),
        }
    }
}
