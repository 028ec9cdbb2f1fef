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

use identity::ServiceName;
use primitives::Clock;
use proto::chat::v1::chat_service_server::ChatServiceServer;
use runtime::identity_sync::AuthPeer;
use runtime::{Chassis, Parts, Shutdown};

pub use app::App;
pub use config::Config;
pub use error::{Error, Result};

/// Largest request in bytes: the latest sequence numbers of a thousand rooms, with room to spare.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

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
    let mut chassis = Chassis::bind(ServiceName::Chat, &config.common, clock).await?;
    let app = Arc::new(App::new(config, &mut chassis).await?);
    Ok(Service { app, chassis })
}

/// Creates the indexes, then runs until the stop.
///
/// # Errors
/// An index that cannot be created, or an essential task that ends.
pub async fn run(service: Service, shutdown: Shutdown) -> anyhow::Result<()> {
    let Service { app, mut chassis } = service;
    let writing = app.clone();
    chassis
        .process
        .at_end(async move { writing.writer.close().await });
    let auth = AuthPeer::new(app.auth.clone());
    chassis.run(auth, &shutdown, |parts| start(&app, parts)).await
}

fn start(app: &Arc<App>, parts: &mut Parts) -> anyhow::Result<()> {
    let rpc = ChatServiceServer::new(inbound::rpc::Rpc(app.clone()));
    parts.grpc(
        rpc.max_decoding_message_size(MAX_REQUEST_BYTES),
        inbound::rpc::CALLERS,
    )?;
    let events = inbound::events::run(app.clone(), parts.shutdown.soft_token());
    parts.shutdown.spawn_essential("events", events);
    Ok(())
}
