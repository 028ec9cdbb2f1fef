//! Errors of this service, and what a caller sees of them.

use std::sync::Arc;
use std::time::Duration;

use mongodb::error::TRANSIENT_TRANSACTION_ERROR;
use primitives::{ErrorKind, FieldError};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// MongoDB, Redis or a peer is unavailable.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A transaction conflicted with another, or its connection broke. It had no effect and may be retried.
    #[error("transaction aborted: {0}")]
    TransactionAborted(String),
    /// A bug in this service.
    #[error("{0}")]
    Internal(String),
    /// The room's queue is full.
    #[error("room busy")]
    RoomBusy,
    /// The user exceeds the rate limit; retry after this time.
    #[error("rate limited, retry after {0:?}")]
    RateLimited(Duration),
    #[error("stream not found")]
    StreamNotFound,
    #[error("stream not live")]
    StreamNotLive,
    #[error("message not found")]
    MessageNotFound,
    /// The action needs a higher standing in the room.
    #[error("not allowed")]
    NotAllowed,
    /// The caller may not ban this user.
    #[error("user protected")]
    UserProtected,
    /// The user has a chat ban, which ends after this time if it is a timeout.
    #[error("user banned")]
    Banned(Option<Duration>),
    /// Retry after this time.
    #[error("slow mode, retry after {0:?}")]
    SlowMode(Duration),
    #[error("followers only")]
    FollowersOnly,
    #[error("blocked word")]
    BlockedWord,
    #[error("user not banned")]
    NotBanned,
    #[error("user not a moderator")]
    NotModerator,
    #[error("{} {}", .0.path, .0.message)]
    Field(FieldError),
    /// From a peer.
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
            return Self::TransactionAborted(error.to_string());
        }
        storage::Error::from(error).into()
    }
}

/// Callers that share one request share its error.
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
        use ErrorKind::{Conflict, Forbidden, NotFound, RateLimited, Unavailable};

        match error {
            Error::Unavailable(_) | Error::TransactionAborted(_) => unavailable(&error),
            Error::Internal(_) => internal(&error),
            Error::Field(field) => Self::invalid_fields(vec![field]),
            Error::Domain(error) => error,
            Error::RoomBusy => Self::new(Unavailable, "chat.busy", "The chat is busy. Try again soon."),
            Error::RateLimited(wait) => Self::new(
                RateLimited,
                "chat.rate_limited",
                "You are sending messages too fast.",
            )
            .retry_after(wait),
            Error::StreamNotFound => Self::new(NotFound, "stream.not_found", "Stream not found."),
            Error::StreamNotLive => Self::new(Conflict, "stream.not_live", "Stream is not live."),
            Error::MessageNotFound => Self::new(NotFound, "chat.message_not_found", "Message not found."),
            Error::NotAllowed => Self::new(
                Forbidden,
                "chat.not_allowed",
                "You are not allowed to do that in this chat.",
            ),
            Error::UserProtected => Self::new(Forbidden, "chat.user_protected", "You cannot ban this user."),
            Error::Banned(remaining) => Self {
                retry_after: remaining,
                ..Self::new(Forbidden, "chat.banned", "You are banned from this chat.")
            },
            Error::SlowMode(wait) => Self::new(
                RateLimited,
                "chat.slow_mode",
                "Slow mode is on. Wait before you send another message.",
            )
            .retry_after(wait),
            Error::FollowersOnly => Self::new(
                Forbidden,
                "chat.followers_only",
                "Only followers can send messages in this chat.",
            ),
            Error::BlockedWord => Self::new(
                Forbidden,
                "chat.word_blocked",
                "The message contains a word that is blocked in this chat.",
            ),
            Error::NotBanned => Self::new(
                NotFound,
                "chat.not_banned",
                "The user is not banned from this chat.",
            ),
            Error::NotModerator => Self::new(
                NotFound,
                "chat.not_moderator",
                "The user is not a moderator of this chat.",
            ),
        }
    }
}

fn unavailable(error: &Error) -> primitives::Error {
    tracing::warn!(%error, "request failed");
    primitives::Error::unavailable()
}

fn internal(error: &Error) -> primitives::Error {
    tracing::error!(%error, "request failed");
    primitives::Error::internal()
}
