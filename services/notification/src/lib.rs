#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod inbound;
pub mod outbound;
pub mod store;

mod schema;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use identity::ServiceName;
use primitives::Clock;
use proto::notification::v1::notification_service_server::NotificationServiceServer;
use runtime::identity_sync::AuthPeer;
use runtime::{Chassis, Parts, Shutdown};

pub use app::App;
pub use config::Config;
pub use error::{Error, Result};

pub static MIGRATIONS: &[EmbeddedMigrations] = &[bus::MIGRATIONS, embed_migrations!("migrations")];

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
    let mut chassis = Chassis::bind(ServiceName::Notification, &config.common, clock).await?;
    let app = Arc::new(App::new(config, &mut chassis)?);
    Ok(Service { app, chassis })
}

/// Runs until the stop.
///
/// # Errors
/// A migration that fails, or an essential task that ends.
pub async fn run(service: Service, shutdown: Shutdown) -> anyhow::Result<()> {
    let Service { app, chassis } = service;
    let auth = AuthPeer::new(app.auth.clone());
    chassis.run(auth, &shutdown, |parts| start(&app, parts)).await
}

fn start(app: &Arc<App>, parts: &mut Parts) -> anyhow::Result<()> {
    let rpc = inbound::rpc::Rpc(app.clone());
    parts.grpc(NotificationServiceServer::new(rpc), inbound::rpc::CALLERS)?;
    parts.inbox(&app.database);
    let shutdown = &parts.shutdown;
    let soft = || shutdown.soft_token();
    shutdown.spawn_essential("events", inbound::events::run(app.clone(), soft()));
    shutdown.spawn_essential("jobs", inbound::jobs::run(app.clone(), soft()));
    inbound::clock::start(app, shutdown);
    Ok(())
}
