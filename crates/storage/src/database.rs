//! The PostgreSQL pool, and the one way to write through it.
//!
//! A handler's future is dropped when its client goes away, in the middle of whatever it awaits. If that is a
//! transaction, diesel marks the connection broken and the pool throws it away: clients that open and abort
//! requests would empty the pool. So [`Database::transaction`] runs the work on a task of its own. The caller
//! may leave; the work commits or rolls back.

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

use crate::{DatabaseConfig, Error, Result};

/// A connection borrowed from the pool.
pub type Connection = Object<AsyncPgConnection>;

/// The half of an own connection that does the work and has to be polled.
pub(crate) type OwnConnection = tokio_postgres::Connection<tokio_postgres::Socket, NoTlsStream>;

/// How long a caller waits for a free connection.
const WAIT: Duration = Duration::from_secs(1);
/// How long opening a connection may take.
const CREATE: Duration = Duration::from_secs(2);
/// A connection that lay idle for longer is asked whether it still works before it is used; the question
/// takes as long as many a read. One that was closed is noticed without it.
const FRESH: Duration = Duration::from_secs(2);
/// How long that check may take.
const RECYCLE: Duration = Duration::from_secs(1);
/// How long a transaction may take from its first statement to its commit, all waits included. A connection
/// that swallows bytes without an answer never reaches the server's own limits, so this one is counted here.
const TRANSACTION: Duration = Duration::from_secs(10);
/// How long one read may take; a second above the server's `statement_timeout`, which gives the better
/// message.
const READ: Duration = Duration::from_secs(6);

/// The server-side limits of every pooled connection.
const LIMITS: &str =
    "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000";

/// A pool of connections to one PostgreSQL database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    target: tokio_postgres::Config,
    running: TaskTracker,
}

impl Database {
    /// Builds the pool without connecting: a server that is away shows in [`ping`](Self::ping), not here.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL cannot be understood.
    pub fn connect(config: &DatabaseConfig) -> Result<Self> {
        let target = target(config)?;
        let pooled = with_options(&target, LIMITS);
        let mut manager = ManagerConfig::default();
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| Box::pin(establish(pooled.clone())));
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), manager);
        let pool = Pool::builder(manager)
            .max_size(usize::from(config.database_pool_size))
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CREATE))
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

    /// Borrows a connection, for reads. Writes go through [`transaction`](Self::transaction).
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none is free within a second or the server cannot be reached.
    pub async fn get(&self) -> Result<Connection> {
        Ok(self.pool.get().await?)
    }

    /// Runs a read on a borrowed connection, with a limit on the whole of it.
    ///
    /// # Errors
    /// What the closure returns, and [`Error::Unavailable`] or [`Error::Timeout`] as `E`.
    pub async fn read<F, R, E>(&self, f: F) -> std::result::Result<R, E>
    where
        F: AsyncFnOnce(&mut AsyncPgConnection) -> std::result::Result<R, E>
            + for<'r> AsyncFunc<&'r mut AsyncPgConnection, std::result::Result<R, E>, Fut: Send>
            + Send,
        E: From<Error>,
    {
        let mut conn = self.get().await?;
        match timeout(READ, f(&mut conn)).await {
            Ok(result) => result,
            Err(_) => {
                // Whatever it still answers must not meet the next borrower.
                drop(Object::take(conn));
                Err(Error::Timeout("a read took too long".to_owned()).into())
            }
        }
    }

    /// Runs the closure in a transaction, on a task of its own: dropping the returned future does not stop
    /// it. It commits when the closure returns `Ok` and rolls back on `Err` and on a panic. Never call out to
    /// another system from inside.
    ///
    /// # Errors
    /// What the closure returns, and the store's own errors as `E`. After [`Error::Timeout`] or
    /// [`Error::Unavailable`] the transaction may have been committed, so what is retried needs a unique key.
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
            match timeout(TRANSACTION, AsyncPgConnection::transaction(&mut conn, f)).await {
                Ok(result) => result,
                Err(_) => {
                    drop(Object::take(conn));
                    Err(Error::Timeout("a transaction took too long".to_owned()).into())
                }
            }
        };
        match self.running.spawn(work.in_current_span()).await {
            Ok(result) => result,
            Err(error) => Err(Error::Other(format!("a transaction was cut short: {error}")).into()),
        }
    }

    /// Asks the server for an answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Timeout`] when there is none within the limits.
    pub async fn ping(&self) -> Result<()> {
        self.read(async |conn| Ok(ask(conn).await?)).await
    }

    /// Waits for running transactions and closes the pool; nothing can be borrowed afterwards.
    pub async fn close(&self) {
        self.running.close();
        self.running.wait().await;
        self.pool.close();
    }

    /// Connections that exist and those of them that are free.
    pub fn connections(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    /// Opens a connection beside the pool with session settings of its own.
    pub(crate) async fn dedicated_connection(
        &self,
        options: &str,
    ) -> Result<(tokio_postgres::Client, OwnConnection)> {
        let target = with_options(&self.target, options);
        match timeout(CREATE, target.connect(NoTls)).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(Error::Unavailable(
                "the database did not answer in time".to_owned(),
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

/// An async closure whose future can be bounded, as in `AsyncFunc<&mut Conn, R, Fut: Send>`. Implemented for
/// every async closure; the language has no stable way yet to ask for a `Send` future of an `AsyncFnOnce`.
pub trait AsyncFunc<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as AsyncFunc<T, R>>::Fut {
    /// The future that a call returns.
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> AsyncFunc<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// The connection parameters that every connection of the process shares.
pub(crate) fn target(config: &DatabaseConfig) -> Result<tokio_postgres::Config> {
    let mut target: tokio_postgres::Config = config
        .database_url
        .expose_secret()
        .parse()
        .map_err(|_| Error::Config("AIRWAVE_DATABASE_URL is not a PostgreSQL URL".to_owned()))?;
    if target.get_ssl_mode() == SslMode::Require {
        return Err(Error::Config(
            "AIRWAVE_DATABASE_URL asks for TLS, which this build does not speak".to_owned(),
        ));
    }
    if target.get_application_name().is_none() {
        target.application_name("airwave");
    }
    target
        .connect_timeout(CREATE)
        .keepalives_idle(Duration::from_secs(10))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(10));
    Ok(target)
}

/// The parameters with session settings added to those that the URL names.
pub(crate) fn with_options(target: &tokio_postgres::Config, options: &str) -> tokio_postgres::Config {
    let mut target = target.clone();
    let options = match target.get_options() {
        Some(own) => format!("{options} {own}"),
        None => options.to_owned(),
    };
    target.options(options);
    target
}

/// Asks for any answer.
async fn ask(connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    diesel::sql_query("SELECT 1").execute(connection).await.map(drop)
}

async fn check(connection: &mut AsyncPgConnection, idle: Duration) -> std::result::Result<(), HookError> {
    if idle < FRESH {
        return Ok(());
    }
    match timeout(RECYCLE, ask(connection)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(HookError::message(error.to_string())),
        Err(_) => Err(HookError::message("no answer in time")),
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

/// The text of a connection error with its cause, which says why (refused, wrong password, starting up).
fn describe(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
