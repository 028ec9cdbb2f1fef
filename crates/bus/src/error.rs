//! What can go wrong between us and the broker.

/// What went wrong on the bus.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no connection to the broker now.
    #[error("no connection to the broker")]
    Disconnected,
    /// The broker is short of memory or disk and takes no messages now.
    #[error("the broker takes no messages now")]
    Blocked,
    /// The broker did not answer in time.
    #[error("the broker did not answer in time")]
    Timeout,
    /// The broker refused to take the message.
    #[error("the broker refused the message")]
    Refused,
    /// No queue is bound for the message.
    #[error("no queue takes the message")]
    Unroutable,
    /// What AMQP said.
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
    /// What the database said.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// The configuration cannot work.
    #[error("{0}")]
    Config(String),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for primitives::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Config(reason) => {
                tracing::error!(reason, "bus configuration");
                Self::internal()
            }
            _ => Self::unavailable(),
        }
    }
}
