//! Migrations, which are embedded in the binaries and run at start by one replica at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use tokio::time::timeout;
use tokio_postgres::NoTls;

use crate::config::DatabaseConfig;
use crate::database::{target, with_options};
use crate::error::{Error, Result};

const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Limits of the session: ten minutes for each statement, which includes waiting for a replica that migrates.
const SESSION_OPTIONS: &str =
    "-c statement_timeout=600000 -c lock_timeout=0 -c idle_in_transaction_session_timeout=60000";
/// The key of the advisory lock: "airwave" in ASCII.
const LOCK_KEY: i64 = 0x61_6972_7761_7665;

/// Runs the pending migrations of each source, in the order of the sources.
///
/// An advisory lock makes concurrent calls safe: one replica migrates, and the others then find nothing to
/// do.
///
/// # Errors
/// [`Error::Unavailable`] if the server cannot be reached, [`Error::Other`] if a migration fails.
pub async fn migrate(config: &DatabaseConfig, sources: &'static [EmbeddedMigrations]) -> Result<()> {
    let target = with_options(&target(config)?, SESSION_OPTIONS);
    let connected = timeout(Duration::from_secs(2), target.connect(NoTls)).await;
    let (client, connection) =
        connected.map_err(|_| Error::Unavailable("connecting to the database timed out".to_owned()))??;
    let conn = AsyncPgConnection::try_from_client_and_connection(client, connection)
        .await
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    // Diesel's harness is synchronous, so it needs a thread that may block.
    tokio::task::spawn_blocking(move || run(conn, sources))
        .await
        .map_err(|error| Error::Other(format!("migrations were aborted: {error}")))?
}

/// Runs [`migrate`], and retries every second while the server cannot be reached.
///
/// # Errors
/// [`Error::Other`] if a migration fails.
pub async fn migrate_when_reachable(
    config: &DatabaseConfig,
    sources: &'static [EmbeddedMigrations],
) -> Result<()> {
    let every_second = ConstantBuilder::default()
        .with_delay(RETRY_DELAY)
        .without_max_times();
    let mut logged = false;
    (|| migrate(config, sources))
        .retry(every_second)
        .when(|error| matches!(error, Error::Unavailable(_)))
        .notify(|error, _| {
            if !std::mem::replace(&mut logged, true) {
                tracing::warn!(%error, "migrations are waiting for the database");
            }
        })
        .await
}

fn run(conn: AsyncPgConnection, sources: &'static [EmbeddedMigrations]) -> Result<()> {
    check_versions(sources)?;
    let mut conn = AsyncConnectionWrapper::<AsyncPgConnection>::from(conn);
    conn.batch_execute(&format!("SELECT pg_advisory_lock({LOCK_KEY})"))?;
    // A migration that waits for a table blocks every later query on it, so it may wait only briefly.
    conn.batch_execute("SET lock_timeout = '10s'")?;
    for source in sources {
        for migration in conn.pending_migrations(Borrowed(source)).map_err(failed)? {
            tracing::info!(migration = %migration.name(), "running migration");
            conn.run_migration(&*migration).map_err(failed)?;
        }
    }
    Ok(())
}

/// Lends a source to Diesel, which takes it by value although it cannot be cloned.
struct Borrowed(&'static EmbeddedMigrations);

impl MigrationSource<Pg> for Borrowed {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        self.0.migrations()
    }
}

/// Rejects migrations with equal versions, since Diesel would skip the second as already applied.
fn check_versions(sources: &[EmbeddedMigrations]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for source in sources {
        for migration in MigrationSource::<Pg>::migrations(source).map_err(failed)? {
            if !seen.insert(migration.name().version().as_owned()) {
                let name = migration.name();
                return Err(Error::Other(format!("two migrations have the version of {name}")));
            }
        }
    }
    Ok(())
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Other(format!("migration failed: {error}"))
}
