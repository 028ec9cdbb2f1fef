//! Redis: one multiplexed connection for the whole process, and a prefix on every key.
//!
//! A checkout from a pool costs a round trip, so commands share one connection, which pipelines them. What
//! would hold it up (a blocking command, `MULTI`) takes a connection from [`Redis::pool`] instead.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use deadpool_redis::redis::{AsyncConnectionConfig, Client, cmd};
use deadpool_redis::{Manager, Pool, Runtime};
use secrecy::ExposeSecret;

use crate::{Error, RedisConfig, Result};

/// The shared connection: cheap to clone, reconnects by itself, answers or fails within half a second.
pub type RedisConnection = ConnectionManager;

/// How long the server may take to answer a command.
const RESPONSE: Duration = Duration::from_millis(500);
/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_millis(500);

/// A Redis server and the key prefix of this deployment. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    connection: ConnectionManager,
    prefix: Arc<str>,
}

impl Redis {
    /// Prepares the connection, which is made at the first command: a server that is away shows in
    /// [`ping`](Self::ping). Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL cannot be understood.
    pub fn connect(config: &RedisConfig) -> Result<Self> {
        let invalid = |_| Error::Config("AIRWAVE_REDIS_URL is not a Redis URL".to_owned());
        let client = Client::open(config.redis_url.expose_secret()).map_err(invalid)?;
        // No retries inside one command: the caller has a deadline, and the next command tries again.
        let limits = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE))
            .set_connection_timeout(Some(CONNECT))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), limits).map_err(invalid)?;
        Ok(Self {
            client,
            connection,
            prefix: config.redis_prefix.as_str().into(),
        })
    }

    /// A handle of the shared connection.
    pub fn connection(&self) -> RedisConnection {
        self.connection.clone()
    }

    /// A key of this deployment: `viewers:12` becomes `airwave:viewers:12`.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// The prefix of every key.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Builds a pool of connections for commands that block, which may take `response` to answer.
    ///
    /// # Errors
    /// [`Error::Config`] when the pool cannot be built.
    pub fn pool(&self, size: usize, response: Duration) -> Result<Pool> {
        let limits = AsyncConnectionConfig::new()
            .set_response_timeout(Some(response))
            .set_connection_timeout(Some(CONNECT));
        let invalid = |error: String| Error::Config(format!("Redis pool: {error}"));
        let manager = Manager::new_with_config(self.client.get_connection_info().clone(), limits)
            .map_err(|error| invalid(error.to_string()))?;
        Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(RESPONSE))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(RESPONSE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| invalid(error.to_string()))
    }

    /// Asks the server for an answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Timeout`] when there is none within half a second.
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
