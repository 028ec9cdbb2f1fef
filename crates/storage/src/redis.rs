//! Redis: one multiplexed connection per process, and a prefix on every key.
//!
//! Borrowing from a pool costs a round trip, so commands share one connection, which pipelines them. Commands
//! that would block the others (`BLPOP`, `MULTI`) take a connection from [`Redis::pool`] instead.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use deadpool_redis::redis::{AsyncConnectionConfig, Client, cmd};
use deadpool_redis::{Manager, Pool, Runtime};
use secrecy::ExposeSecret;

use crate::config::RedisConfig;
use crate::error::{Error, Result};

/// The shared connection. Cheap to clone, reconnects by itself, and answers or fails within half a second.
pub type RedisConnection = ConnectionManager;

const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// A Redis server and the key prefix of this deployment. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    connection: ConnectionManager,
    prefix: Arc<str>,
}

impl Redis {
    /// Prepares a connection, which opens on the first command; [`ping`](Self::ping) tells whether the server
    /// answers. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`] if the URL is invalid.
    pub fn connect(config: &RedisConfig) -> Result<Self> {
        let invalid = |_| Error::Config("AIRWAVE_REDIS_URL is not a Redis URL".to_owned());
        let client = Client::open(config.redis_url.expose_secret()).map_err(invalid)?;
        // No retries within a command: callers have deadlines, and the next command connects again.
        let limits = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), limits).map_err(invalid)?;
        Ok(Self {
            client,
            connection,
            prefix: config.redis_prefix.as_str().into(),
        })
    }

    /// Returns a handle of the shared connection.
    pub fn connection(&self) -> RedisConnection {
        self.connection.clone()
    }

    /// Adds the deployment's prefix to a key: `viewers:12` becomes `airwave:viewers:12`.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Creates a pool for blocking commands, which may take `response_timeout`.
    pub fn pool(&self, size: usize, response_timeout: Duration) -> Result<Pool> {
        let limits = AsyncConnectionConfig::new()
            .set_response_timeout(Some(response_timeout))
            .set_connection_timeout(Some(CONNECT_TIMEOUT));
        let invalid = |error: String| Error::Config(format!("Redis pool: {error}"));
        let manager = Manager::new_with_config(self.client.get_connection_info().clone(), limits)
            .map_err(|error| invalid(error.to_string()))?;
        Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(RESPONSE_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(RESPONSE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| invalid(error.to_string()))
    }

    /// Checks that the server answers within half a second.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Timeout`].
    pub async fn ping(&self) -> Result<()> {
        let mut connection = self.connection();
        Ok(cmd("PING").query_async::<()>(&mut connection).await?)
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
