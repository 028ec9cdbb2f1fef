//! Tests against real servers, and against servers that are unreachable or do not answer.

#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;
mod idempotency;
mod leadership;
mod list;
mod migrations;
mod others;
mod rate_limiter;

use std::time::Duration;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use storage::{Database, DatabaseConfig};
use tokio::net::TcpListener;

const WIDGETS: EmbeddedMigrations = embed_migrations!("tests/migrations");

/// Long enough for a busy machine. A test that passes never waits that long.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Returns a pool of two connections to a new database with the table `widgets`.
async fn database() -> Database {
    Database::connect(&migrated().await).unwrap()
}

/// Creates a database with the table `widgets`.
async fn migrated() -> DatabaseConfig {
    let config = fresh().await;
    storage::migrate(&config, &[WIDGETS]).await.unwrap();
    config
}

/// Creates an empty database.
async fn fresh() -> DatabaseConfig {
    let url = stack::shared()
        .await
        .unwrap()
        .empty_database("storage")
        .await
        .unwrap();
    DatabaseConfig {
        database_pool_size: 2,
        ..DatabaseConfig::new(url)
    }
}

/// Starts a server that accepts connections and never answers.
async fn silent_server() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}
