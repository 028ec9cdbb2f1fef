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
use proto::notification::v1::notification_service_server::{NotificationServiceServer, SERVICE_NAME};
use runtime::identity_sync::AuthPeer;
use runtime::{GrpcListener, InternalListener, Shutdown};

pub use app::App;
pub use config::Config;
pub use error::{Error, Result};

/// The tables of the bus, then our own.
pub static MIGRATIONS: &[EmbeddedMigrations] = &[bus::MIGRATIONS, OWN];
const OWN: EmbeddedMigrations = embed_migrations!("migrations");

/// The service with its ports taken and nothing running yet.
pub struct Service {
    /// What the handlers share.
    pub app: Arc<App>,
    grpc: GrpcListener,
    internal: InternalListener,
}

/// Takes the ports and makes all clients. No server has to be there.
///
/// # Errors
/// A port that is taken, a setting that cannot work.
pub async fn build(config: Config) -> anyhow::Result<Service> {
    let grpc = GrpcListener::bind(config.grpc.grpc_addr).await?;
    let internal = InternalListener::bind(config.process.internal_addr)?;
    let app = Arc::new(App::new(config, grpc.addr(), internal.addr())?);
    Ok(Service { app, grpc, internal })
}

/// Migrates, then runs until the stop.
///
/// # Errors
/// A migration that fails, an essential task that ends.
pub async fn run(service: Service, shutdown: Shutdown) -> anyhow::Result<()> {
    let Service { app, grpc, internal } = service;
    app.watch_health();
    internal.serve(app.health.clone(), &shutdown)?;
    runtime::identity_sync::start(
        &app.verifier,
        &AuthPeer::new(app.auth.clone()),
        &app.bus,
        &shutdown,
    );
    let migrated = storage::migrate_when_reachable(&app.config.database, MIGRATIONS);
    if let Some(migrated) = shutdown.soft_token().run_until_cancelled(migrated).await {
        migrated?;
        start(&app, grpc, &shutdown);
    }
    let finished = shutdown.finished().await;
    app.database.close().await;
    app.bus.close().await;
    Ok(finished?)
}

fn start(app: &Arc<App>, grpc: GrpcListener, shutdown: &Shutdown) {
    let access = proto::Access::new(
        app.tokens.clone(),
        app.verifier.clone(),
        SERVICE_NAME,
        inbound::rpc::CALLERS,
    );
    let rpc = NotificationServiceServer::new(inbound::rpc::Rpc(app.clone()));
    grpc.serve(runtime::grpc_server().layer(access).add_service(rpc), shutdown);
    let soft = || shutdown.soft_token();
    shutdown.spawn_essential("events", inbound::events::run(app.clone(), soft()));
    shutdown.spawn_essential("jobs", inbound::jobs::run(app.clone(), soft()));
    shutdown.spawn_essential("reconciler", inbound::clock::reconcile(app.clone(), soft()));
    shutdown.spawn_essential("purge", inbound::clock::purge(app.clone(), soft()));
    shutdown.spawn_essential("prune", inbound::clock::prune(app.clone(), soft()));
    shutdown.spawn_essential("inbox", bus::keep_inbox_short(app.database.clone(), soft()));
    tracing::info!(grpc = %app.grpc_addr, internal = %app.internal_addr, "serving");
}
