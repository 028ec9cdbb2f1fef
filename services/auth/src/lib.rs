#![doc = include_str!("../README.md")]
//!
//! # The code
//!
//! [`build`] binds the ports and creates the clients; [`run`] serves until the process is asked to stop.
//! Calls enter through [`inbound::rpc`], which also lists the services that may make them. [`domain`]
//! contains the rules, `crypto` the passwords, keys and tokens, and [`store`] the tables; it writes events to
//! the outbox in the same transaction as the rows. [`admin`] implements `auth admin`.

pub mod admin;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod error;
pub mod inbound;
pub mod store;

mod crypto;
mod schema;

use std::sync::Arc;
use std::time::Duration;

use ::identity::{KeySet, Revocation, ServiceName};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use primitives::Clock;
use proto::auth::v1::auth_service_server::AuthServiceServer;
use runtime::{Chassis, Parts, Shutdown, identity_sync};

pub use app::App;
pub use config::Config;

pub static MIGRATIONS: &[EmbeddedMigrations] = &[
    bus::MIGRATIONS,
    objects::MIGRATIONS,
    embed_migrations!("migrations"),
];

/// Between two rounds of deleting unused objects.
const OBJECT_LEDGER_PERIOD: Duration = Duration::from_secs(1);

/// The service with its ports bound. Nothing runs yet.
pub struct Service {
    pub app: Arc<App>,
    pub chassis: Chassis,
}

/// Binds the ports and creates all clients. No server needs to be available.
///
/// # Errors
/// A port that is taken, or a setting that cannot work.
pub async fn build(config: Config, clock: Clock) -> anyhow::Result<Service> {
    let mut chassis = Chassis::bind(ServiceName::Auth, &config.common, clock).await?;
    let app = Arc::new(App::new(config, &mut chassis)?);
    Ok(Service { app, chassis })
}

/// Runs until the stop.
///
/// # Errors
/// A migration that fails, or an essential task that ends.
pub async fn run(service: Service, shutdown: Shutdown) -> anyhow::Result<()> {
    let Service { app, chassis } = service;
    let source = Source(app.clone());
    chassis.run(source, &shutdown, |parts| start(&app, parts)).await
}

fn start(app: &Arc<App>, parts: &mut Parts) -> anyhow::Result<()> {
    let rpc = inbound::rpc::Rpc::new(app.clone());
    parts.grpc(AuthServiceServer::new(rpc), inbound::rpc::CALLERS)?;
    let database = &app.store.database;
    parts.relay(database);
    parts.object_ledger(database, &app.bucket, OBJECT_LEDGER_PERIOD);
    inbound::clock::start(app, &parts.shutdown);
    Ok(())
}

/// Auth is its own source of keys and revocations; those of other replicas come from its database.
#[derive(Clone)]
struct Source(Arc<App>);

impl identity_sync::Source for Source {
    async fn key_set(&self) -> Result<KeySet, primitives::Error> {
        Ok(self.0.keys.key_set().clone())
    }

    async fn revocations_since(&self, cursor: &str) -> Result<(Vec<Revocation>, String), primitives::Error> {
        Ok(self.0.store.revocations_since(cursor).await?)
    }
}
