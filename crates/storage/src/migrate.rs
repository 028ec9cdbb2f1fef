//! Migrations: embedded in the binaries, run at start, one replica at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use tokio::time::{sleep, timeout};
use tokio_postgres::NoTls;

use crate::database::{target, with_options};
use crate::{DatabaseConfig, Error, Result};

/// Between two attempts to reach a server that is away.
const PAUSE: Duration = Duration::from_secs(1);
/// Waiting for another replica that migrates, and then each migration's single statement, may take this long.
const LIMITS: &str =
    "-c statement_timeout=600000 -c lock_timeout=0 -c idle_in_transaction_session_timeout=60000";
/// "airwave" in hexadecimal digits of its letters; one number that all replicas lock.
const LOCK: i64 = 0x61_6972_7761_7665;

/// Runs the pending migrations of each source, in the order of the sources, under an advisory lock: of
/// several replicas that start at once one migrates and the others find nothing to do.
///
/// # Errors
/// [`Error::Unavailable`] when the server cannot be reached, [`Error::Other`] when a migration fails.
pub async fn migrate(config: &DatabaseConfig, sources: &'static [EmbeddedMigrations]) -> Result<()> {
    let target = with_options(&target(config)?, LIMITS);
    let connected = timeout(Duration::from_secs(2), target.connect(NoTls)).await;
    let (client, connection) =
        connected.map_err(|_| Error::Unavailable("the database did not answer in time".to_owned()))??;
    let conn = AsyncPgConnection::try_from_client_and_connection(client, connection)
        .await
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    // Diesel's harness is synchronous, so it gets a thread that may block.
    tokio::task::spawn_blocking(move || run(conn, sources))
        .await
        .map_err(|error| Error::Other(format!("migrations were cut short: {error}")))?
}

/// Runs [`migrate`] as soon as the server can be reached, and waits for that for ever if need be.
///
/// # Errors
/// [`Error::Other`] when a migration fails.
pub async fn migrate_when_reachable(
    config: &DatabaseConfig,
    sources: &'static [EmbeddedMigrations],
) -> Result<()> {
    let mut told = false;
    loop {
        match migrate(config, sources).await {
            Err(Error::Unavailable(reason)) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(reason, "database unavailable, migrations wait for it");
                }
                sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

fn run(conn: AsyncPgConnection, sources: &'static [EmbeddedMigrations]) -> Result<()> {
    check_versions(sources)?;
    let mut conn = AsyncConnectionWrapper::<AsyncPgConnection>::from(conn);
    conn.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})"))?;
    // Waiting for the other replica was fine; a migration that waits for a busy table would stop the whole
    // service.
    conn.batch_execute("SET lock_timeout = '10s'")?;
    for source in sources {
        for migration in conn.pending_migrations(Borrowed(source)).map_err(failed)? {
            tracing::info!(migration = %migration.name(), "migrating");
            conn.run_migration(&*migration).map_err(failed)?;
        }
    }
    Ok(())
}

/// Diesel takes a source by value and embedded migrations cannot be copied.
struct Borrowed(&'static EmbeddedMigrations);

impl MigrationSource<Pg> for Borrowed {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        self.0.migrations()
    }
}

/// Refuses two migrations with one version: diesel would take the second for applied.
fn check_versions(sources: &[EmbeddedMigrations]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for source in sources {
        for migration in MigrationSource::<Pg>::migrations(source).map_err(failed)? {
            let version = migration.name().version().as_owned();
            if !seen.insert(version) {
                return Err(Error::Other(format!(
                    "two migrations have the version of {}",
                    migration.name()
                )));
            }
        }
    }
    Ok(())
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Other(format!("migration failed: {error}"))
}
