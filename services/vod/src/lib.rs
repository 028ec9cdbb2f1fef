#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod inbound;
pub mod outbound;
mod schema;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use identity::ServiceName;
use primitives::Clock;
use proto::vod::v1::vod_service_server::VodServiceServer;
use runtime::identity_sync::AuthPeer;
use runtime::{Chassis, Parts, Process, Shutdown};

pub use app::{App, Serving, Worker};
pub use config::Config;
pub use error::{Error, Result};

pub static MIGRATIONS: &[EmbeddedMigrations] = &[
    bus::MIGRATIONS,
    objects::MIGRATIONS,
    storage::idempotency::MIGRATIONS,
    embed_migrations!("migrations"),
];

/// The service with its ports bound. Nothing runs yet.
pub struct Service {
    pub app: Arc<App>,
    /// Answers calls and consumes events.
    pub serving: Option<Arc<Serving>>,
    /// Turns recordings into VODs.
    pub worker: Option<Arc<Worker>>,
    host: Host,
}

/// A worker beside a media node needs neither the broker nor a gRPC port.
enum Host {
    Server(Chassis),
    Worker(Process),
}

/// Binds the ports and creates all clients. No server needs to be available.
///
/// # Errors
/// A port that is taken, or a setting that cannot work.
pub async fn build(config: Config, clock: Clock) -> anyhow::Result<Service> {
    let mut process = Process::bind(ServiceName::Vod, &config.common.process, clock)?;
    let app = Arc::new(App::new(config.common, &mut process)?);
    let worker = config
        .work
        .map(|(node, config)| Arc::new(Worker::new(app.clone(), node, config, &process)));
    let (serving, host) = match config.serve {
        Some(config) => {
            let chassis = Chassis::new(process, &config.bus)?
                .with_grpc(&config.grpc)
                .await?;
            let serving = Serving::new(app.clone(), config, &chassis)?;
            (Some(Arc::new(serving)), Host::Server(chassis))
        }
        None => (None, Host::Worker(process)),
    };
    Ok(Service {
        app,
        serving,
        worker,
        host,
    })
}

/// Runs until the stop.
///
/// # Errors
/// A migration that fails, or an essential task that ends.
pub async fn run(service: Service, shutdown: Shutdown) -> anyhow::Result<()> {
    let Service {
        serving,
        worker,
        host,
        ..
    } = service;
    match (host, serving) {
        (Host::Server(chassis), Some(serving)) => {
            let auth = AuthPeer::new(serving.auth.clone());
            let start = |parts: &mut Parts| {
                serve(&serving, parts)?;
                work(worker.as_ref(), &parts.shutdown);
                Ok(())
            };
            chassis.run(auth, &shutdown, start).await
        }
        (Host::Worker(process), _) => {
            let start = || {
                work(worker.as_ref(), &shutdown);
                Ok(())
            };
            process.run(&shutdown, start).await
        }
        (Host::Server(_), None) => Ok(()),
    }
}

fn serve(serving: &Arc<Serving>, parts: &mut Parts) -> anyhow::Result<()> {
    let App { database, bucket, .. } = &*serving.app;
    let rpc = inbound::rpc::Rpc(serving.clone());
    parts.grpc(VodServiceServer::new(rpc), inbound::rpc::CALLERS)?;
    parts.relay(database);
    parts.inbox(database);
    parts.idempotency_keys(database);
    let period = Duration::from_millis(serving.config.clock_milliseconds);
    parts.object_ledger(database, bucket, period);
    let shutdown = &parts.shutdown;
    let soft = || shutdown.soft_token();
    shutdown.spawn_essential("events", inbound::events::run(serving.clone(), soft()));
    shutdown.spawn_essential("search", inbound::clock::write_search(serving.clone(), soft()));
    shutdown.spawn_essential("copies", inbound::clock::fill_copies(serving.clone(), soft()));
    Ok(())
}

fn work(worker: Option<&Arc<Worker>>, shutdown: &Shutdown) {
    let Some(worker) = worker else { return };
    shutdown.spawn_essential("worker", inbound::worker::run(worker.clone(), shutdown.clone()));
    let sweeper = inbound::sweeper::run(worker.clone(), shutdown.soft_token());
    shutdown.spawn_essential("sweeper", sweeper);
    tracing::info!(node = worker.node, "processing recordings");
}
