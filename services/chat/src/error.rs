//! What can go wrong in this service, and what of it the outside sees.

use std::time::Duration;

use domain::{ErrorKind, FieldError};

/// The result of this service's own calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// MongoDB or Redis does not answer.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A defect of ours.
    #[error("{0}")]
    Internal(String),
    /// Too many messages wait for the room's turn.
    #[error("the room is busy")]
    Busy,
    /// The user speaks too often.
    #[error("too many messages, wait {0:?}")]
    TooOften(Duration),
    /// There is no such stream.
    #[error("no such stream")]
    NoStream,
    /// The stream is not live.
    #[error("the stream is not live")]
    NotLive,
    /// The room has no such message.
    #[error("no such message")]
    NoMessage,
    /// The message is somebody else's.
    #[error("not allowed")]
    NotAllowed,
    /// A field of the input breaks a rule.
    #[error("{} {}", .0.path, .0.message)]
    Field(FieldError),
    /// What a peer said.
    #[error(transparent)]
    Domain(#[from] domain::Error),
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        if error.is_transient() {
            Self::Unavailable(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}

impl From<mongodb::error::Error> for Error {
    fn from(error: mongodb::error::Error) -> Self {
        storage::Error::from(error).into()
    }
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::Field(field)
    }
}

impl From<Error> for domain::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(reason) => {
                tracing::warn!(reason, "request failed");
                Self::unavailable()
            }
            Error::Internal(reason) => {
                tracing::error!(reason, "request failed");
                Self::internal()
            }
            Error::Busy => Self::new(
                ErrorKind::Unavailable,
                "chat.busy",
                "The room is busy, try again soon.",
            ),
            Error::TooOften(wait) => Self::new(
                ErrorKind::RateLimited,
                "chat.rate_limited",
                "You are sending messages too fast.",
            )
            .retry_after(wait),
            Error::NoStream => Self::new(ErrorKind::NotFound, "stream.not_found", "Stream not found."),
            Error::NotLive => Self::new(ErrorKind::Conflict, "stream.not_live", "Stream is not live."),
            Error::NoMessage => Self::new(
                ErrorKind::NotFound,
                "chat.message_not_found",
                "The message does not exist.",
            ),
            Error::NotAllowed => Self::new(
                ErrorKind::Forbidden,
                "chat.not_allowed",
                "You may not delete this message.",
            ),
            Error::Field(field) => Self::invalid_fields(vec![field]),
            Error::Domain(error) => error,
        }
    }
}
