//! What can go wrong, and what each of it is to the outside.

use std::time::Duration;

use primitives::ErrorKind::{Conflict, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated};
use primitives::FieldError;

/// The errors of the service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request break rules.
    #[error("invalid request")]
    Fields(Vec<FieldError>),
    /// Somebody has the name already.
    #[error("username taken")]
    UsernameTaken,
    /// No such name, or another password: the caller can not tell which.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// The account is banned.
    #[error("banned")]
    Banned,
    /// The password that a signed-in person gave as theirs is another.
    #[error("wrong password")]
    WrongPassword,
    /// Only admins may do this.
    #[error("not an admin")]
    AdminOnly,
    /// Nobody could make another admin any more.
    #[error("the last admin")]
    LastAdmin,
    /// Admins are not banned; first they lose the role.
    #[error("an admin")]
    IsAdmin,
    /// A refresh token that is unknown, used or expired.
    #[error("invalid refresh token")]
    RefreshTokenInvalid,
    /// No such account.
    #[error("no such user")]
    UserNotFound,
    /// Nobody follows themselves.
    #[error("follows oneself")]
    FollowsOneself,
    /// The pair is there already.
    #[error("already following")]
    AlreadyFollowing,
    /// The pair is not there.
    #[error("not following")]
    NotFollowing,
    /// Too many tries; the next one makes sense after this time.
    #[error("too many attempts")]
    TooManyAttempts(Duration),
    /// More passwords wait to be hashed than we want to wait for.
    #[error("too many passwords to hash")]
    Busy,
    /// A defect of ours, logged where it happened.
    #[error("internal error")]
    Internal,
    /// The database.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// What a shared rule says.
    #[error(transparent)]
    Shared(#[from] primitives::Error),
}

/// The result of the service's calls.
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
            Error::LastAdmin => Self::new(Conflict, "user.last_admin", "The last admin stays an admin."),
            Error::IsAdmin => Self::new(Forbidden, "user.is_admin", "An admin cannot be banned."),
            Error::RefreshTokenInvalid => Self::new(
                Unauthenticated,
                "auth.refresh_token_invalid",
                "The refresh token is invalid.",
            ),
            Error::UserNotFound => Self::new(NotFound, "user.not_found", "User not found."),
            Error::FollowsOneself => Self::new(Invalid, "follow.self", "You cannot follow yourself."),
            Error::AlreadyFollowing => Self::new(Conflict, "follow.exists", "You already follow this user."),
            Error::NotFollowing => Self::new(NotFound, "follow.not_found", "You do not follow this user."),
            Error::TooManyAttempts(after) => Self::new(
                RateLimited,
                "auth.too_many_attempts",
                "Too many attempts, try again later.",
            )
            .retry_after(after),
            Error::Busy => Self::new(
                RateLimited,
                "auth.busy",
                "Too many sign-ins at once, try again soon.",
            )
            .retry_after(Duration::from_secs(1)),
            Error::Internal => Self::internal(),
            Error::Store(error) => error.into(),
            Error::Shared(error) => error,
        }
    }
}
