//! The stores against real servers, and against servers that are away, silent or rude.

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

const THINGS: EmbeddedMigrations = embed_migrations!("tests/migrations");

/// Long enough for a busy machine, and never waited for in full by a test that passes.
const SOON: Duration = Duration::from_secs(20);

/// A pool of two connections over a fresh database that has the table `things`.
async fn database() -> Database {
    Database::connect(&migrated().await).unwrap()
}

/// A fresh database that has the table `things`.
async fn migrated() -> DatabaseConfig {
    let config = fresh().await;
    storage::migrate(&config, &[THINGS]).await.unwrap();
    config
}

/// A fresh and empty database.
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

/// A server that accepts connections and never says a word.
async fn silent_server() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}
