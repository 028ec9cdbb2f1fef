//! What can go wrong in this service, and what of it the outside sees.

use std::sync::Arc;
use std::time::Duration;

use mongodb::error::TRANSIENT_TRANSACTION_ERROR;
use primitives::{ErrorKind, FieldError};

/// The result of this service's own calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// MongoDB or Redis does not answer.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Another transaction was in the way of ours, or the connection broke; nothing of it was done, and
    /// trying again may work.
    #[error("undone: {0}")]
    Undone(String),
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
    /// Only who moderates the room may do that, or who owns it.
    #[error("not allowed")]
    NotAllowed,
    /// The owner, an admin, or another moderator is not to be banned by the caller.
    #[error("the user is protected")]
    Protected,
    /// The user may not speak in the room, for a time or for good.
    #[error("the user is banned")]
    Banned(Option<Duration>),
    /// The user has to wait between two messages in this room.
    #[error("slow mode, wait {0:?}")]
    SlowMode(Duration),
    /// Only followers of the owner speak in the room.
    #[error("the room is for followers")]
    FollowersOnly,
    /// The text holds a blocked word.
    #[error("the text holds a blocked word")]
    BlockedWord,
    /// There is no such ban.
    #[error("the user is not banned")]
    NoBan,
    /// There is no such moderator.
    #[error("the user is no moderator")]
    NoModerator,
    /// A field of the input breaks a rule.
    #[error("{} {}", .0.path, .0.message)]
    Field(FieldError),
    /// What a peer said.
    #[error(transparent)]
    Domain(#[from] primitives::Error),
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
        if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
            return Self::Undone(error.to_string());
        }
        storage::Error::from(error).into()
    }
}

/// What several waited for together fails for each.
impl From<Arc<Error>> for Error {
    fn from(shared: Arc<Self>) -> Self {
        Self::clone(&shared)
    }
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::Field(field)
    }
}

impl From<Error> for primitives::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(reason) | Error::Undone(reason) => {
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
            Error::Field(field) => Self::invalid_fields(vec![field]),
            Error::Domain(error) => error,
            Error::NotAllowed
            | Error::Protected
            | Error::Banned(_)
            | Error::SlowMode(_)
            | Error::FollowersOnly
            | Error::BlockedWord
            | Error::NoBan
            | Error::NoModerator => moderation(&error),
        }
    }
}

/// What moderation refuses.
fn moderation(error: &Error) -> primitives::Error {
    let (kind, code, detail) = match error {
        Error::Protected => (
            ErrorKind::Forbidden,
            "chat.user_protected",
            "You may not ban this user.",
        ),
        Error::Banned(_) => (
            ErrorKind::Forbidden,
            "chat.banned",
            "You may not speak in this room.",
        ),
        Error::SlowMode(_) => (
            ErrorKind::RateLimited,
            "chat.slow_mode",
            "The room is in slow mode, wait before you speak again.",
        ),
        Error::FollowersOnly => (
            ErrorKind::Forbidden,
            "chat.followers_only",
            "Only followers may speak in this room.",
        ),
        Error::BlockedWord => (
            ErrorKind::Forbidden,
            "chat.word_blocked",
            "The message holds a word that is blocked in this room.",
        ),
        Error::NoBan => (
            ErrorKind::NotFound,
            "chat.not_banned",
            "The user is not banned in this room.",
        ),
        Error::NoModerator => (
            ErrorKind::NotFound,
            "chat.not_moderator",
            "The user is no moderator of this room.",
        ),
        _ => (
            ErrorKind::Forbidden,
            "chat.not_allowed",
            "You may not do that in this room.",
        ),
    };
    let told = primitives::Error::new(kind, code, detail);
    match error {
        Error::Banned(Some(wait)) | Error::SlowMode(wait) => told.retry_after(*wait),
        _ => told,
    }
}
