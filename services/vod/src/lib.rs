#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod inbound;
pub mod outbound;
mod schema;
pub mod slots;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use proto::vod::v1::vod_service_server::{SERVICE_NAME, VodServiceServer};
use runtime::identity_sync::AuthPeer;
use runtime::{GrpcListener, InternalListener, Shutdown};

pub use app::{App, Serving, Worker};
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

/// The service with its ports taken and nothing running yet.
pub struct Service {
    /// What every part shares.
    pub app: Arc<App>,
    /// The part that answers calls and hears events.
    pub serving: Option<Arc<Serving>>,
    /// The part that turns recordings into VODs.
    pub worker: Option<Arc<Worker>>,
    grpc: Option<GrpcListener>,
    internal: InternalListener,
}

/// Takes the ports and makes all clients. No server has to be there.
///
/// # Errors
/// A port that is taken, a setting that cannot work.
pub async fn build(config: Config) -> anyhow::Result<Service> {
    let internal = InternalListener::bind(config.common.process.internal_addr)?;
    let app = Arc::new(App::new(config.common, internal.addr())?);
    let (mut serving, mut grpc) = (None, None);
    if let Some(config) = config.serve {
        let listener = GrpcListener::bind(config.grpc.grpc_addr).await?;
        serving = Some(Arc::new(Serving::new(app.clone(), config, listener.addr())?));
        grpc = Some(listener);
    }
    let worker = config
        .work
        .map(|(node, config)| Arc::new(Worker::new(app.clone(), node, config)));
    Ok(Service {
        app,
        serving,
        worker,
        grpc,
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
        serving,
        worker,
        grpc,
        internal,
    } = service;
    internal.serve(app.health.clone(), &shutdown)?;
    if let Some(serving) = &serving {
        let auth = AuthPeer::new(serving.auth.clone());
        runtime::identity_sync::start(&serving.verifier, &auth, &serving.bus, &shutdown);
    }
    let migrated = storage::migrate_when_reachable(&app.config.database, MIGRATIONS);
    if let Some(migrated) = shutdown.soft_token().run_until_cancelled(migrated).await {
        migrated?;
        if let Some((serving, grpc)) = serving.as_ref().zip(grpc) {
            serve(serving, grpc, &shutdown);
        }
        if let Some(worker) = &worker {
            work(worker, &shutdown);
        }
    }
    let finished = shutdown.finished().await;
    app.database.close().await;
    if let Some(serving) = &serving {
        serving.bus.close().await;
    }
    Ok(finished?)
}

fn serve(serving: &Arc<Serving>, grpc: GrpcListener, shutdown: &Shutdown) {
    let app = &serving.app;
    let access = proto::Access::new(
        app.tokens.clone(),
        serving.verifier.clone(),
        SERVICE_NAME,
        inbound::rpc::CALLERS,
    );
    let rpc = VodServiceServer::new(inbound::rpc::Rpc(serving.clone()));
    grpc.serve(runtime::grpc_server().layer(access).add_service(rpc), shutdown);
    let soft = || shutdown.soft_token();
    shutdown.spawn_essential(
        "relay",
        bus::Relay::run(app.database.clone(), serving.bus.clone(), soft()),
    );
    shutdown.spawn_essential("events", inbound::events::run(serving.clone(), soft()));
    let every = Duration::from_millis(serving.config.clock_milliseconds);
    let removing = objects::keep_removing(
        app.database.clone(),
        app.bucket.clone(),
        app.clock.clone(),
        every,
        soft(),
    );
    shutdown.spawn_essential("objects", removing);
    shutdown.spawn_essential("search", inbound::clock::write_search(serving.clone(), soft()));
    shutdown.spawn_essential("copies", inbound::clock::fill_copies(serving.clone(), soft()));
    let keys = storage::idempotency::run_cleanup(app.database.clone(), app.clock.clone(), soft());
    shutdown.spawn_essential("idempotency keys", keys);
    shutdown.spawn_essential("inbox", bus::keep_inbox_short(app.database.clone(), soft()));
    tracing::info!(grpc = %serving.grpc_addr, internal = %app.internal_addr, "serving");
}

fn work(worker: &Arc<Worker>, shutdown: &Shutdown) {
    shutdown.spawn_essential("worker", inbound::worker::run(worker.clone(), shutdown.clone()));
    shutdown.spawn_essential(
        "sweeper",
        inbound::sweeper::run(worker.clone(), shutdown.soft_token()),
    );
    tracing::info!(node = worker.node, internal = %worker.app.internal_addr, "working");
}
