//! The errors of the service and the API errors that clients get for them.

use std::time::Duration;

use primitives::ErrorKind::{Conflict, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated};
use primitives::FieldError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("invalid request")]
    Fields(Vec<FieldError>),
    #[error("username taken")]
    UsernameTaken,
    /// An unknown username or a wrong password; the caller cannot tell which.
    #[error("invalid credentials")]
    InvalidCredentials,
    #[error("account is banned")]
    Banned,
    /// A signed-in user gave a wrong current password.
    #[error("wrong password")]
    WrongPassword,
    #[error("not an admin")]
    AdminOnly,
    /// Without an admin no account could become one.
    #[error("last admin")]
    LastAdmin,
    /// An admin must lose the role before a ban.
    #[error("user is an admin")]
    IsAdmin,
    /// An unknown, used or expired refresh token.
    #[error("invalid refresh token")]
    RefreshTokenInvalid,
    #[error("user not found")]
    UserNotFound,
    #[error("cannot follow oneself")]
    FollowsSelf,
    #[error("already following")]
    AlreadyFollowing,
    #[error("not following")]
    NotFollowing,
    /// Contains how long to wait before the next attempt.
    #[error("too many attempts")]
    TooManyAttempts(Duration),
    /// The queue of passwords to hash is full.
    #[error("too many passwords to hash")]
    Busy,
    /// A bug, logged where it occurred.
    #[error("internal error")]
    Internal,
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// An error of a shared crate, passed on unchanged.
    #[error(transparent)]
    Shared(#[from] primitives::Error),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::Fields(vec![field])
    }
}

impl From<Error> for primitives::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Fields(fields) => Self::invalid_fields(fields),
            Error::UsernameTaken => Self::new(Conflict, "user.username_taken", "The username is taken."),
            Error::InvalidCredentials => Self::new(
                Unauthenticated,
                "auth.invalid_credentials",
                "Wrong username or password.",
            ),
            Error::Banned => Self::new(Forbidden, "auth.banned", "The account is banned."),
            Error::WrongPassword => {
                Self::new(Forbidden, "auth.wrong_password", "The current password is wrong.")
            }
            Error::AdminOnly => Self::new(Forbidden, "auth.admin_only", "Only admins may do this."),
            Error::LastAdmin => Self::new(
                Conflict,
                "user.last_admin",
                "The last admin must remain an admin.",
            ),
            Error::IsAdmin => Self::new(Forbidden, "user.is_admin", "An admin cannot be banned."),
            Error::RefreshTokenInvalid => Self::new(
                Unauthenticated,
                "auth.refresh_token_invalid",
                "The refresh token is invalid.",
            ),
            Error::UserNotFound => Self::new(NotFound, "user.not_found", "User not found."),
            Error::FollowsSelf => Self::new(Invalid, "follow.self", "You cannot follow yourself."),
            Error::AlreadyFollowing => Self::new(Conflict, "follow.exists", "You already follow this user."),
            Error::NotFollowing => Self::new(NotFound, "follow.not_found", "You do not follow this user."),
            Error::TooManyAttempts(after) => Self::new(
                RateLimited,
                "auth.too_many_attempts",
                "Too many attempts. Try again later.",
            )
            .retry_after(after),
            Error::Busy => Self::new(
                RateLimited,
                "auth.busy",
                "Too many sign-ins at once. Try again shortly.",
            )
            .retry_after(Duration::from_secs(1)),
            Error::Internal => Self::internal(),
            Error::Store(error) => error.into(),
            Error::Shared(error) => error,
        }
    }
}
