#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod inbound;
pub mod outbound;
mod schema;
pub mod store;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use identity::ServiceName;
use primitives::Clock;
use proto::stream::v1::stream_service_server::StreamServiceServer;
use runtime::identity_sync::AuthPeer;
use runtime::{Chassis, Parts, Shutdown};

pub use app::App;
pub use config::Config;
pub use error::{Error, Result};

pub static MIGRATIONS: &[EmbeddedMigrations] = &[
    bus::MIGRATIONS,
    objects::MIGRATIONS,
    storage::idempotency::MIGRATIONS,
    embed_migrations!("migrations"),
];

/// A gateway renews all its viewer leases in a few calls.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// The interval between two deletions of unused objects.
const OBJECT_LEDGER_PERIOD: Duration = Duration::from_secs(1);

/// Searches miss a stream for up to this long after its owner or category has changed.
const SEARCH_INDEX_PERIOD: Duration = Duration::from_secs(1);

/// The service with its ports bound. Nothing runs yet.
pub struct Service {
    pub app: Arc<App>,
    pub chassis: Chassis,
    hooks: TcpListener,
}

/// Binds the ports and creates all clients. No server needs to be available.
///
/// # Errors
/// A port that is taken, or a setting that cannot work.
pub async fn build(config: Config, clock: Clock) -> anyhow::Result<Service> {
    let mut chassis = Chassis::bind(ServiceName::Stream, &config.common, clock).await?;
    let hooks = TcpListener::bind(config.stream_hooks_addr)
        .with_context(|| format!("cannot listen on {}", config.stream_hooks_addr))?;
    let app = Arc::new(App::new(config, &mut chassis, hooks.local_addr()?)?);
    Ok(Service { app, chassis, hooks })
}

/// Runs until shutdown.
///
/// # Errors
/// A migration that fails, or an essential task that ends.
pub async fn run(service: Service, shutdown: Shutdown) -> anyhow::Result<()> {
    let Service { app, chassis, hooks } = service;
    let auth = AuthPeer::new(app.auth.clone());
    chassis
        .run(auth, &shutdown, |parts| start(&app, hooks, parts))
        .await
}

fn start(app: &Arc<App>, hooks: TcpListener, parts: &mut Parts) -> anyhow::Result<()> {
    let store = &app.store;
    let rpc = StreamServiceServer::new(inbound::rpc::Rpc::new(app));
    parts.grpc(
        rpc.max_decoding_message_size(MAX_MESSAGE_BYTES),
        inbound::rpc::CALLERS,
    )?;
    parts.relay(&store.database);
    parts.inbox(&store.database);
    parts.idempotency_keys(&store.database);
    parts.object_ledger(&store.database, &app.bucket, OBJECT_LEDGER_PERIOD);
    let shutdown = &parts.shutdown;
    inbound::hooks::serve(inbound::hooks::Hooks::new(app), hooks, shutdown)?;
    let events = inbound::events::consume(store.clone(), app.bus.clone(), shutdown.clone());
    shutdown.spawn_essential("events", events);
    let indexed = store.clone();
    shutdown.every("search", SEARCH_INDEX_PERIOD, move || {
        inbound::clock::index_search(indexed.clone())
    });
    let reconciler = inbound::clock::Reconciler::new(app);
    shutdown.spawn_essential("reconciler", reconciler.run(shutdown.clone()));
    let viewers = inbound::clock::ViewerCounts::new(app);
    shutdown.spawn_essential("viewers", viewers.run(shutdown.clone()));
    let snapshot = inbound::events::import_snapshot(store.clone(), app.auth.clone(), shutdown.clone());
    shutdown.spawn("snapshot", snapshot);
    Ok(())
}
