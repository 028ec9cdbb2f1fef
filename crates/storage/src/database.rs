//! The PostgreSQL pool.
//!
//! When a client disconnects, the future of its request handler is dropped in the middle of what it awaits.
//! If that is a transaction, Diesel marks the connection as broken and the pool discards it, so clients that
//! abort requests could drain the pool. [`Database::transaction`] therefore runs on a separate task, which
//! commits or rolls back even if its caller has disconnected.

use std::future::Future;
use std::time::Duration;

use deadpool::Runtime;
use diesel::connection::InstrumentationEvent;
use diesel_async::pooled_connection::deadpool::{Hook, HookError, Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::NoTlsStream;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::config::DatabaseConfig;
use crate::error::{Error, Result};

/// A connection borrowed from the pool.
pub type Connection = Object<AsyncPgConnection>;

/// The half of a dedicated connection that does the I/O and has to be polled.
pub(crate) type Driver = tokio_postgres::Connection<tokio_postgres::Socket, NoTlsStream>;

const WAIT_TIMEOUT: Duration = Duration::from_secs(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that were idle for longer are checked before use. Not all are, because a check takes as long
/// as a simple read; a connection that the server closed is noticed without one.
const CHECK_AFTER_IDLE: Duration = Duration::from_secs(2);
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// The maximum duration of a transaction, from its first statement to its commit. Enforced here as well as by
/// the server, because over a dead connection the server's own limits have no effect.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// A second above the server's `statement_timeout`, whose error message is the better one.
const READ_TIMEOUT: Duration = Duration::from_secs(6);

/// The server-side limits of pooled connections, in milliseconds.
const SESSION_OPTIONS: &str =
    "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000";

/// A pool of connections to one PostgreSQL database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    target: tokio_postgres::Config,
    running: TaskTracker,
}

impl Database {
    /// Creates the pool without opening a connection; [`ping`](Self::ping) tells whether the server answers.
    ///
    /// # Errors
    /// [`Error::Config`] if the URL is invalid.
    pub fn connect(config: &DatabaseConfig) -> Result<Self> {
        let target = target(config)?;
        let pooled = with_options(&target, SESSION_OPTIONS);
        let mut manager = ManagerConfig::default();
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| Box::pin(establish(pooled.clone())));
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), manager);
        let pool = Pool::builder(manager)
            .max_size(usize::from(config.database_pool_size))
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .pre_recycle(Hook::async_fn(|connection, metrics| {
                Box::pin(check(connection, metrics.last_used()))
            }))
            .build()
            .map_err(|error| Error::Config(error.to_string()))?;
        Ok(Self {
            pool,
            target,
            running: TaskTracker::new(),
        })
    }

    /// Borrows a connection for reads. Write in a [`transaction`](Self::transaction) instead.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no connection is free within a second or the server cannot be reached.
    pub async fn get(&self) -> Result<Connection> {
        Ok(self.pool.get().await?)
    }

    /// Runs a read on a borrowed connection, for at most six seconds.
    ///
    /// # Errors
    /// Those of the closure, and [`Error::Unavailable`] or [`Error::Timeout`] as `E`.
    pub async fn read<F, R, E>(&self, f: F) -> std::result::Result<R, E>
    where
        F: AsyncFnOnce(&mut AsyncPgConnection) -> std::result::Result<R, E>
            + for<'r> AsyncFunc<&'r mut AsyncPgConnection, std::result::Result<R, E>, Fut: Send>
            + Send,
        E: From<Error>,
    {
        let mut conn = self.get().await?;
        match timeout(READ_TIMEOUT, f(&mut conn)).await {
            Ok(result) => result,
            Err(_) => {
                // A late answer must not reach the next borrower.
                drop(Object::take(conn));
                Err(Error::Timeout("read timed out".to_owned()).into())
            }
        }
    }

    /// Runs the closure in a transaction, for at most ten seconds. It commits if the closure returns `Ok`,
    /// and rolls back on `Err` and on a panic. Dropping the returned future does not stop it.
    ///
    /// Do not call other systems inside, because they would keep locks and a connection busy.
    ///
    /// # Errors
    /// Those of the closure, and errors of the database as `E`. After [`Error::Timeout`] or
    /// [`Error::Unavailable`] the transaction may have been committed, so a retry needs a unique key.
    pub async fn transaction<F, R, E>(&self, f: F) -> std::result::Result<R, E>
    where
        F: AsyncFnOnce(&mut AsyncPgConnection) -> std::result::Result<R, E>
            + for<'r> AsyncFunc<&'r mut AsyncPgConnection, std::result::Result<R, E>, Fut: Send>
            + Send
            + 'static,
        R: Send + 'static,
        E: From<Error> + From<diesel::result::Error> + Send + 'static,
    {
        let database = self.clone();
        let work = async move {
            let mut conn = database.get().await?;
            match timeout(TRANSACTION_TIMEOUT, AsyncPgConnection::transaction(&mut conn, f)).await {
                Ok(result) => result,
                Err(_) => {
                    drop(Object::take(conn));
                    Err(Error::Timeout("transaction timed out".to_owned()).into())
                }
            }
        };
        match self.running.spawn(work.in_current_span()).await {
            Ok(result) => result,
            Err(error) => Err(Error::Other(format!("transaction was aborted: {error}")).into()),
        }
    }

    /// Checks that the server answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Timeout`].
    pub async fn ping(&self) -> Result<()> {
        self.read(async |conn| Ok(select_one(conn).await?)).await
    }

    /// Waits for running transactions and closes the pool.
    pub async fn close(&self) {
        self.running.close();
        self.running.wait().await;
        self.pool.close();
    }

    /// Returns the number of open connections and how many of them are free.
    pub fn connections(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    /// Opens a connection outside the pool, with its own session options.
    pub(crate) async fn dedicated_connection(
        &self,
        options: &str,
    ) -> Result<(tokio_postgres::Client, Driver)> {
        let target = with_options(&self.target, options);
        match timeout(CONNECT_TIMEOUT, target.connect(NoTls)).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(Error::Unavailable(
                "connecting to the database timed out".to_owned(),
            )),
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("pool", &self.pool.status())
            .finish_non_exhaustive()
    }
}

/// An async closure with a future that can be bounded, as in `AsyncFunc<&mut Conn, R, Fut: Send>`.
/// Implemented for every async closure, because stable Rust cannot require the future of an `AsyncFnOnce` to
/// be `Send`.
pub trait AsyncFunc<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as AsyncFunc<T, R>>::Fut {
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> AsyncFunc<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// Returns the parameters that all connections share.
pub(crate) fn target(config: &DatabaseConfig) -> Result<tokio_postgres::Config> {
    let mut target: tokio_postgres::Config = config
        .database_url
        .expose_secret()
        .parse()
        .map_err(|_| Error::Config("AIRWAVE_DATABASE_URL is not a PostgreSQL URL".to_owned()))?;
    if target.get_ssl_mode() == SslMode::Require {
        return Err(Error::Config(
            "AIRWAVE_DATABASE_URL requires TLS, which is not supported".to_owned(),
        ));
    }
    if target.get_application_name().is_none() {
        target.application_name("airwave");
    }
    target
        .connect_timeout(CONNECT_TIMEOUT)
        .keepalives_idle(Duration::from_secs(10))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(10));
    Ok(target)
}

/// Adds session options to those in the URL, which take precedence.
pub(crate) fn with_options(target: &tokio_postgres::Config, options: &str) -> tokio_postgres::Config {
    let mut target = target.clone();
    let options = match target.get_options() {
        Some(own) => format!("{options} {own}"),
        None => options.to_owned(),
    };
    target.options(options);
    target
}

async fn select_one(connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    diesel::sql_query("SELECT 1").execute(connection).await.map(drop)
}

async fn check(connection: &mut AsyncPgConnection, idle: Duration) -> std::result::Result<(), HookError> {
    if idle < CHECK_AFTER_IDLE {
        return Ok(());
    }
    match timeout(CHECK_TIMEOUT, select_one(connection)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(HookError::message(error.to_string())),
        Err(_) => Err(HookError::message("check timed out")),
    }
}

async fn establish(target: tokio_postgres::Config) -> diesel::ConnectionResult<AsyncPgConnection> {
    let (client, connection) = target
        .connect(NoTls)
        .await
        .map_err(|error| diesel::ConnectionError::BadConnection(describe(&error)))?;
    let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
    connection.set_instrumentation(|event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            metrics::counter!("sql_statements_total").increment(1);
        }
    });
    Ok(connection)
}

/// Returns an error's message with its cause, which tells why (refused, wrong password, starting up).
fn describe(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
