//! What can go wrong here, and how the outside sees it.

use primitives::{ErrorKind, FieldError};

/// The result of most of this service's work.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such stream.
    #[error("no such stream")]
    StreamNotFound,
    /// There is no such category.
    #[error("no such category")]
    CategoryNotFound,
    /// Another category has the same address.
    #[error("the category's slug is taken")]
    CategoryTaken,
    /// Only admins may do this.
    #[error("not an admin")]
    AdminOnly,
    /// A file that came along was refused, or its way is closed.
    #[error(transparent)]
    Upload(#[from] primitives::Error),
    /// The caller may see the stream but not do this to it.
    #[error("not the owner of the stream")]
    NotOwner,
    /// The caller's account is banned or gone.
    #[error("the account is banned")]
    OwnerBanned,
    /// Fields of a request that break rules.
    #[error("invalid request")]
    Invalid(Vec<FieldError>),
    /// A sealed secret that the configured key does not open.
    #[error("stream {0}: the sealed secret does not open under the configured key")]
    Sealed(i64),
    /// A row that this code does not understand.
    #[error("row {0} holds a state that is unknown here")]
    UnknownState(i64),
    /// Someone must be signed in.
    #[error("not signed in")]
    Unauthenticated,
    /// A store failed.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// A media node failed.
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
        let of = |kind, code, detail| Self::new(kind, code, detail);
        match error {
            Error::StreamNotFound => of(ErrorKind::NotFound, "stream.not_found", "Stream not found."),
            Error::CategoryNotFound => of(ErrorKind::NotFound, "category.not_found", "Category not found."),
            Error::CategoryTaken => of(
                ErrorKind::Conflict,
                "category.taken",
                "There is a category of this name already.",
            ),
            Error::AdminOnly => of(
                ErrorKind::Forbidden,
                "auth.admin_only",
                "Only admins may do this.",
            ),
            Error::Upload(error) => error,
            Error::NotOwner => of(
                ErrorKind::Forbidden,
                "stream.not_owner",
                "This stream belongs to someone else.",
            ),
            Error::OwnerBanned => of(ErrorKind::Forbidden, "account.banned", "This account is banned."),
            Error::Invalid(fields) => Self::invalid_fields(fields),
            Error::Unauthenticated => Self::unauthenticated(),
            Error::Store(error) => error.into(),
            Error::Node(error) => {
                tracing::warn!(%error, "media node call failed");
                Self::unavailable()
            }
            error @ (Error::Sealed(_) | Error::UnknownState(_)) => {
                tracing::error!(%error, "defect");
                Self::internal()
            }
        }
    }
}

/// Why an event's handler did not finish: what the database says may pass, everything else is a defect.
impl From<Error> for bus::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            other => Self::retry(other),
        }
    }
}
