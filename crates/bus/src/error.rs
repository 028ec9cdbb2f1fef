#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not connected to RabbitMQ")]
    Disconnected,
    /// The broker is short of memory or disk space.
    #[error("RabbitMQ blocks publishers")]
    Blocked,
    #[error("RabbitMQ did not respond in time")]
    Timeout,
    /// The broker did not confirm the message.
    #[error("RabbitMQ did not confirm the message")]
    Unconfirmed,
    #[error("no queue is bound for the message")]
    Unroutable,
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
    #[error(transparent)]
    Store(#[from] storage::Error),
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
                tracing::error!(reason, "invalid bus configuration");
                Self::internal()
            }
            _ => Self::unavailable(),
        }
    }
}
