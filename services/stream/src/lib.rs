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

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use proto::stream::v1::stream_service_server::{SERVICE_NAME, StreamServiceServer};
use runtime::identity_sync::AuthPeer;
use runtime::{GrpcListener, InternalListener, Shutdown};

pub use app::App;
pub use config::Config;
pub use error::{Error, Result};

/// The tables of the bus, of objects and of idempotency keys, then our own.
pub static MIGRATIONS: &[EmbeddedMigrations] = &[
    bus::MIGRATIONS,
    objects::MIGRATIONS,
    storage::idempotency::MIGRATIONS,
    OWN,
];
const OWN: EmbeddedMigrations = embed_migrations!("migrations");

/// Bytes of one gRPC message: a gateway renews all its viewers in a few calls.
const LARGEST_MESSAGE: usize = 4 << 20;

/// The service with its ports taken and nothing running yet.
pub struct Service {
    /// What every part shares.
    pub app: Arc<App>,
    grpc: GrpcListener,
    hooks: TcpListener,
    internal: InternalListener,
}

/// Takes the ports and makes all clients. No server has to be there.
///
/// # Errors
/// A port that is taken, a setting that cannot work.
pub async fn build(config: Config) -> anyhow::Result<Service> {
    let grpc = GrpcListener::bind(config.grpc.grpc_addr).await?;
    let internal = InternalListener::bind(config.process.internal_addr)?;
    let hooks = TcpListener::bind(config.stream_hooks_addr)?;
    let addresses = app::Addresses {
        grpc: grpc.addr(),
        hooks: hooks.local_addr()?,
        internal: internal.addr(),
    };
    let app = Arc::new(App::new(config, addresses)?);
    Ok(Service {
        app,
        grpc,
        hooks,
        internal,
    })
}

/// Migrates, then runs until the stop.
///
/// # Errors
/// A migration that fails, an essential task that ends.
pub async fn run(service: Service, shutdown: Shutdown) -> anyhow::Result<()> {
    let Service {
        app,
        grpc,
        hooks,
        internal,
    } = service;
    app.watch_health();
    internal
        .showing(&app.figures)
        .serve(app.health.clone(), &shutdown)?;
    runtime::identity_sync::start(
        &app.verifier,
        &AuthPeer::new(app.auth.clone()),
        &app.bus,
        &shutdown,
    );
    let migrated = storage::migrate_when_reachable(&app.config.database, MIGRATIONS);
    if let Some(migrated) = shutdown.soft_token().run_until_cancelled(migrated).await {
        migrated?;
        inbound::hooks::serve(app.hooks(), hooks, &shutdown)?;
        start(&app, grpc, &shutdown);
    }
    let finished = shutdown.finished().await;
    app.store.database.close().await;
    app.bus.close().await;
    Ok(finished?)
}

fn start(app: &App, grpc: GrpcListener, shutdown: &Shutdown) {
    let access = proto::Access::new(
        app.tokens.clone(),
        app.verifier.clone(),
        SERVICE_NAME,
        inbound::rpc::CALLERS,
    );
    let rpc = StreamServiceServer::new(app.rpc()).max_decoding_message_size(LARGEST_MESSAGE);
    grpc.serve(runtime::grpc_server().layer(access).add_service(rpc), shutdown);
    let (store, bus) = (&app.store, &app.bus);
    let soft = || shutdown.soft_token();
    shutdown.spawn_essential(
        "relay",
        bus::Relay::run(store.database.clone(), bus.clone(), soft()),
    );
    shutdown.spawn_essential("inbox", bus::keep_inbox_short(store.database.clone(), soft()));
    let keys = storage::idempotency::run_cleanup(store.database.clone(), store.clock.clone(), soft());
    shutdown.spawn_essential("idempotency keys", keys);
    shutdown.spawn_essential(
        "events",
        inbound::events::hear(store.clone(), bus.clone(), shutdown.clone()),
    );
    shutdown.spawn_essential("objects", app.objects(soft()));
    shutdown.spawn_essential("search", inbound::clock::write_search(store.clone(), soft()));
    shutdown.spawn_essential("reconciler", app.reconciler().run(shutdown.clone()));
    shutdown.spawn_essential("viewers", app.viewer_counts().run(shutdown.clone()));
    shutdown.spawn(
        "snapshot",
        inbound::events::fill(store.clone(), app.auth.clone(), shutdown.clone()),
    );
    tracing::info!(grpc = %app.grpc_addr, hooks = %app.hooks_addr, internal = %app.internal_addr, "serving");
}
