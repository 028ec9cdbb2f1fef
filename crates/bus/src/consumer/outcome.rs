use std::error::Error as StdError;

use primitives::ErrorKind;

type Cause = Box<dyn StdError + Send + Sync>;

/// Tells the consumer what to do with an event that was not handled.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// Temporary: the event is delivered again after a delay, up to the consumer's number of attempts.
    #[error("retry: {0}")]
    Retry(#[source] Cause),
    /// Permanent: the event becomes a dead letter at once.
    #[error("fail: {0}")]
    Fail(#[source] Cause),
}

impl HandlerError {
    pub fn retry(cause: impl Into<Cause>) -> Self {
        Self::Retry(cause.into())
    }

    pub fn fail(cause: impl Into<Cause>) -> Self {
        Self::Fail(cause.into())
    }
}

impl From<storage::Error> for HandlerError {
    /// Every store error is temporary: a missing row may still arrive.
    fn from(error: storage::Error) -> Self {
        Self::retry(error)
    }
}

impl From<diesel::result::Error> for HandlerError {
    fn from(error: diesel::result::Error) -> Self {
        storage::Error::from(error).into()
    }
}

impl From<primitives::Error> for HandlerError {
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
