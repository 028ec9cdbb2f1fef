//! What can go wrong in a store, in the few kinds that a caller treats differently.

use deadpool::managed::{PoolError, TimeoutType};
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use diesel_async::pooled_connection::PoolError as Connecting;

/// The result of a call to a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong in a store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server cannot be reached, is starting or stopping, or no connection was free in time. Nothing was
    /// written.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The call took longer than its limit. A commit that timed out may have happened.
    #[error("store too slow: {0}")]
    Timeout(String),
    /// A unique constraint refused the write.
    #[error("unique constraint {constraint} violated")]
    Unique {
        /// The constraint's or index's name.
        constraint: String,
    },
    /// Two transactions contradicted each other (serialisation failure, deadlock); trying again may work.
    #[error("conflict with another transaction: {0}")]
    Conflict(String),
    /// The row asked for does not exist.
    #[error("no such row")]
    NotFound,
    /// The configuration cannot work.
    #[error("{0}")]
    Config(String),
    /// A defect of ours: a wrong statement, a row that does not fit, a violated constraint that we should
    /// have checked.
    #[error("store: {0}")]
    Other(String),
}

impl Error {
    /// Whether the error is the violation of the unique constraint named.
    pub fn is_unique_violation(&self, constraint: &str) -> bool {
        matches!(self, Self::Unique { constraint: violated } if violated == constraint)
    }

    /// Whether trying the same again later may work.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout(_) | Self::Conflict(_))
    }
}

/// The server's words for states that pass. Diesel hands on the text of an error and not its code.
const PASSING: &[&str] = &[
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
            _ if PASSING.iter().any(|words| message.contains(words)) => Self::Unavailable(message),
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
            PoolError::Timeout(TimeoutType::Wait) => "no free connection in time".to_owned(),
            PoolError::Timeout(_) => "the database did not answer in time".to_owned(),
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

/// What Redis answers while it starts, fails over or is full.
const REDIS_PASSING: &[&str] = &["LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "OOM"];

impl From<deadpool_redis::redis::RedisError> for Error {
    fn from(error: deadpool_redis::redis::RedisError) -> Self {
        if error.is_timeout() {
            Self::Timeout(error.to_string())
        } else if error.is_io_error()
            || error.is_connection_dropped()
            || error.is_connection_refusal()
            || error.code().is_some_and(|code| REDIS_PASSING.contains(&code))
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

/// The index named in MongoDB's `… index: NAME dup key: …`.
fn duplicate_index(message: &str) -> &str {
    let after = message.split_once("index: ").map_or("", |(_, after)| after);
    after.split_once(' ').map_or(after, |(name, _)| name)
}

impl From<Error> for primitives::Error {
    /// Tells the outside no more than the kind; the cause goes to the log here, once.
    fn from(error: Error) -> Self {
        use primitives::ErrorKind;
        match error {
            Error::Unavailable(_) | Error::Timeout(_) | Error::Conflict(_) => {
                tracing::warn!(%error, "store call failed");
                Self::unavailable()
            }
            Error::NotFound => Self::new(ErrorKind::NotFound, "resource.not_found", "Not found."),
            Error::Unique { .. } => Self::new(ErrorKind::Conflict, "resource.conflict", "It exists already."),
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
    fn what_passes_is_unavailable_and_never_internal() {
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
    fn the_outside_learns_nothing_internal() {
        let outside = primitives::Error::from(Error::Other("relation \"users\" does not exist".into()));
        assert!(!format!("{outside:?}").contains("relation"));
    }

    #[test]
    fn a_duplicate_key_names_its_index() {
        let message =
            "E11000 duplicate key error collection: chat.messages index: stream_seq dup key: { seq: 1 }";
        assert_eq!(duplicate_index(message), "stream_seq");
    }
}
