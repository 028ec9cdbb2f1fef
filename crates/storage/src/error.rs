//! The errors of all three servers, in the few kinds that callers handle differently.

use deadpool::managed::{PoolError, TimeoutType};
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use diesel_async::pooled_connection::PoolError as Connecting;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server cannot be reached, is starting or stopping, or no connection was free in time.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The call exceeded its time limit. A write may still have happened.
    #[error("store timed out: {0}")]
    Timeout(String),
    /// The write violates a unique constraint.
    #[error("unique constraint {constraint} violated")]
    Unique {
        /// The name of the constraint or index.
        constraint: String,
    },
    /// A serialisation failure or a deadlock; a retry may succeed.
    #[error("conflict with another transaction: {0}")]
    Conflict(String),
    #[error("row not found")]
    NotFound,
    /// The configuration is invalid.
    #[error("{0}")]
    Config(String),
    /// A bug: a wrong statement, a row of an unexpected shape, a violated constraint.
    #[error("store failed: {0}")]
    Other(String),
}

impl Error {
    /// Returns whether the error is a violation of the named unique constraint.
    pub fn is_unique_violation(&self, constraint: &str) -> bool {
        matches!(self, Self::Unique { constraint: violated } if violated == constraint)
    }

    /// Returns whether a retry may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout(_) | Self::Conflict(_))
    }
}

/// Parts of PostgreSQL's messages for transient states. Diesel exposes the message of an error, but not its
/// code.
const TRANSIENT: &[&str] = &[
    "terminating connection",
    "the database system is",
    "server closed the connection",
    "too many clients already",
    "remaining connection slots",
];

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        let Diesel::DatabaseError(kind, info) = &error else {
            return match error {
                Diesel::NotFound => Self::NotFound,
                Diesel::BrokenTransactionManager => Self::Unavailable(error.to_string()),
                other => Self::Other(other.to_string()),
            };
        };
        let message = info.message().to_owned();
        match kind {
            DatabaseErrorKind::UniqueViolation => Self::Unique {
                constraint: info.constraint_name().unwrap_or_default().to_owned(),
            },
            DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable(message),
            DatabaseErrorKind::SerializationFailure => Self::Conflict(message),
            _ if message.starts_with("deadlock detected") => Self::Conflict(message),
            _ if message.starts_with("canceling statement due to") => Self::Timeout(message),
            _ if TRANSIENT.iter().any(|part| message.contains(part)) => Self::Unavailable(message),
            _ => Self::Other(match info.constraint_name() {
                Some(constraint) => format!("{message} ({constraint})"),
                None => message,
            }),
        }
    }
}

impl From<PoolError<Connecting>> for Error {
    fn from(error: PoolError<Connecting>) -> Self {
        Self::Unavailable(match error {
            PoolError::Timeout(TimeoutType::Wait) => "no free connection".to_owned(),
            PoolError::Timeout(_) => "connecting to the database timed out".to_owned(),
            other => other.to_string(),
        })
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let message = error
            .as_db_error()
            .map_or_else(|| error.to_string(), |db| db.message().to_owned());
        Self::Unavailable(message)
    }
}

/// The error codes of Redis while it starts, fails over or is full.
const REDIS_TRANSIENT: &[&str] = &["LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "OOM"];

impl From<deadpool_redis::redis::RedisError> for Error {
    fn from(error: deadpool_redis::redis::RedisError) -> Self {
        if error.is_timeout() {
            Self::Timeout(error.to_string())
        } else if error.is_io_error()
            || error.is_connection_dropped()
            || error.is_connection_refusal()
            || error.code().is_some_and(|code| REDIS_TRANSIENT.contains(&code))
        {
            Self::Unavailable(error.to_string())
        } else {
            Self::Other(error.to_string())
        }
    }
}

impl From<mongodb::error::Error> for Error {
    fn from(error: mongodb::error::Error) -> Self {
        use mongodb::error::{ErrorKind as Kind, RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR, WriteFailure};
        match error.kind.as_ref() {
            Kind::ServerSelection { .. }
            | Kind::Io(_)
            | Kind::ConnectionPoolCleared { .. }
            | Kind::DnsResolve { .. } => Self::Unavailable(error.to_string()),
            Kind::Write(WriteFailure::WriteError(write)) if write.code == MONGO_DUPLICATE_KEY => {
                Self::Unique {
                    constraint: duplicate_index(&write.message).to_owned(),
                }
            }
            Kind::Write(WriteFailure::WriteConcernError(_)) => Self::Timeout(error.to_string()),
            Kind::Command(command) if command.code == MONGO_MAX_TIME_EXPIRED => {
                Self::Timeout(error.to_string())
            }
            _ if error.contains_label(RETRYABLE_ERROR) || error.contains_label(RETRYABLE_WRITE_ERROR) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

const MONGO_DUPLICATE_KEY: i32 = 11000;
const MONGO_MAX_TIME_EXPIRED: i32 = 50;

/// Returns the index in MongoDB's message `… index: NAME dup key: …`.
fn duplicate_index(message: &str) -> &str {
    let after = message.split_once("index: ").map_or("", |(_, after)| after);
    after.split_once(' ').map_or(after, |(name, _)| name)
}

impl From<Error> for primitives::Error {
    /// Exposes only the kind of the error, and logs its cause.
    fn from(error: Error) -> Self {
        use primitives::ErrorKind;
        match error {
            Error::Unavailable(_) | Error::Timeout(_) | Error::Conflict(_) => {
                tracing::warn!(%error, "store call failed");
                Self::unavailable()
            }
            Error::NotFound => Self::new(ErrorKind::NotFound, "resource.not_found", "Not found."),
            Error::Unique { .. } => Self::new(ErrorKind::Conflict, "resource.conflict", "Already exists."),
            Error::Config(_) | Error::Other(_) => {
                tracing::error!(%error, "store call failed");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_errors_are_unavailable() {
        for error in [
            Error::Unavailable("x".into()),
            Error::Timeout("x".into()),
            Error::Conflict("x".into()),
        ] {
            assert!(error.is_transient());
            assert_eq!(
                primitives::Error::from(error).kind,
                primitives::ErrorKind::Unavailable
            );
        }
    }

    #[test]
    fn api_error_hides_the_cause() {
        let outside = primitives::Error::from(Error::Other("relation \"users\" does not exist".into()));
        assert!(!format!("{outside:?}").contains("relation"));
    }

    #[test]
    fn duplicate_key_error_names_the_index() {
        let message =
            "E11000 duplicate key error collection: chat.messages index: stream_seq dup key: { seq: 1 }";
        assert_eq!(duplicate_index(message), "stream_seq");
    }
}
