#![doc = include_str!("../README.md")]

pub mod app;
pub mod cache;
pub mod config;
pub mod domain;
pub mod error;
pub mod inbound;
pub mod outbound;
pub mod store;
pub mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proto::chat::v1::chat_service_server::{ChatServiceServer, SERVICE_NAME};
use runtime::identity_sync::AuthPeer;
use runtime::{GrpcListener, InternalListener, Shutdown};

pub use app::App;
pub use config::Config;
pub use error::{Error, Result};

/// Largest request: a question for a thousand rooms, with room to spare.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

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
    let app = Arc::new(App::new(config, grpc.addr(), internal.addr()).await?);
    Ok(Service { app, grpc, internal })
}

/// Makes the indexes, then runs until the stop.
///
/// # Errors
/// An index that cannot be made, an essential task that ends.
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
    let made = store::indexes::indexes_create_when_reachable(&app.mongo);
    if let Some(made) = shutdown.soft_token().run_until_cancelled(made).await {
        made?;
        app.indexed.store(true, Ordering::Relaxed);
        start(&app, grpc, &shutdown);
    }
    let finished = shutdown.finished().await;
    app.writer.close().await;
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
    let rpc =
        ChatServiceServer::new(inbound::rpc::Rpc(app.clone())).max_decoding_message_size(MAX_REQUEST_BYTES);
    grpc.serve(runtime::grpc_server().layer(access).add_service(rpc), shutdown);
    shutdown.spawn_essential("events", inbound::events::run(app.clone(), shutdown.soft_token()));
    tracing::info!(grpc = %app.grpc_addr, internal = %app.internal_addr, "serving");
}
