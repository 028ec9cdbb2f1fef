//! Errors of this service, and what a caller sees of them.

use primitives::{ErrorKind, FieldError};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("stream not found")]
    StreamNotFound,
    #[error("category not found")]
    CategoryNotFound,
    #[error("another category has this slug")]
    CategoryTaken,
    #[error("the caller is not an admin")]
    AdminOnly,
    #[error("the caller does not own the stream")]
    NotOwner,
    /// The owner is banned or deleted.
    #[error("the account is banned")]
    OwnerBanned,
    #[error("the caller is not signed in")]
    Unauthenticated,
    #[error("invalid request")]
    Invalid(Vec<FieldError>),
    /// From a shared crate, about the caller's input.
    #[error(transparent)]
    Domain(#[from] primitives::Error),
    /// `AIRWAVE_STREAM_KEY_SECRET` has changed since the key was created.
    #[error("the secret of stream {0} cannot be decrypted with the configured key")]
    UndecryptableKey(i64),
    /// A row that this version cannot read.
    #[error("corrupt row {row} in table {table}")]
    CorruptRow { table: &'static str, row: i64 },
    /// From PostgreSQL or Redis.
    #[error(transparent)]
    Store(#[from] storage::Error),
    #[error(transparent)]
    Node(#[from] crate::outbound::media_node::Error),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl From<Error> for primitives::Error {
    fn from(error: Error) -> Self {
        use ErrorKind::{Conflict, Forbidden, NotFound};
        match error {
            Error::StreamNotFound => Self::new(NotFound, "stream.not_found", "Stream not found."),
            Error::CategoryNotFound => Self::new(NotFound, "category.not_found", "Category not found."),
            Error::CategoryTaken => Self::new(
                Conflict,
                "category.taken",
                "A category with this name already exists.",
            ),
            Error::AdminOnly => Self::new(Forbidden, "auth.admin_only", "Only admins may do this."),
            Error::NotOwner => Self::new(
                Forbidden,
                "stream.not_owner",
                "This stream belongs to another user.",
            ),
            Error::OwnerBanned => Self::new(Forbidden, "account.banned", "This account is banned."),
            Error::Unauthenticated => Self::unauthenticated(),
            Error::Invalid(fields) => Self::invalid_fields(fields),
            Error::Domain(error) => error,
            Error::Store(error) => error.into(),
            Error::Node(error) => {
                tracing::warn!(%error, "media node request failed");
                Self::unavailable()
            }
            Error::UndecryptableKey(_) | Error::CorruptRow { .. } => {
                tracing::error!(%error, "request failed");
                Self::internal()
            }
        }
    }
}

/// The store decides whether a retry can help. Everything else is retried, since events are always valid.
impl From<Error> for bus::HandlerError {
    fn from(error: Error) -> Self {
        if let Error::Store(error) = error {
            error.into()
        } else {
            Self::retry(error)
        }
    }
}
