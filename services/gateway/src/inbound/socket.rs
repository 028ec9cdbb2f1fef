//! Socket.IO for browsers: protocol 5 over websocket and polling, on its own listener.
//!
//! A socket authenticates and gets its handlers in the connect *middleware*, which runs before the client
//! learns that it is connected, so no early event is lost. Its events go through one queue, because the
//! library runs each event in its own task, and chat messages have an order.

mod asyncapi;
mod client;
mod engine;
mod front;
mod handle;
mod handlers;
mod handshake;
mod intake;
mod listener;
mod packet;
mod transport;
mod visitor;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use identity::{ServiceSecretConfig, Verifier};
use primitives::{Clock, Error};
use secrecy::ExposeSecret;
use tokio_util::task::TaskTracker;

use crate::config::{Config, SocketConfig};
use crate::domain::address::Network;
use crate::domain::origin::{CorsPolicy, Origins};
use crate::domain::visitor::Visitors;
use crate::hub::Hub;
use crate::hub::connection::Session;
use crate::outbound::peers::Peers;

pub(crate) use asyncapi::document;
pub(crate) use listener::SocketListener;

pub(crate) struct Sockets {
    pub(crate) hub: Arc<Hub>,
    pub(crate) peers: Peers,
    pub(crate) verifier: Verifier,
    pub(crate) clock: Clock,
    pub(crate) limits: SocketConfig,
    pub(crate) call_timeout: Duration,
    pub(crate) trusted: Vec<Network>,
    pub(crate) cors: CorsPolicy,
    pub(crate) visitors: Visitors,
    pub(crate) path: String,
    pub(crate) transports: transport::Transports,
    /// One task per socket.
    pub(crate) workers: TaskTracker,
}

impl Sockets {
    pub(crate) fn new(
        hub: Arc<Hub>,
        peers: Peers,
        verifier: Verifier,
        clock: Clock,
        config: &Config,
    ) -> Self {
        let public = &config.public;
        Self {
            hub,
            peers,
            verifier,
            clock,
            limits: config.socket.clone(),
            call_timeout: config.peers.call_timeout(),
            trusted: public.gateway_trusted_proxies.clone(),
            cors: CorsPolicy {
                origins: Origins::new(public.gateway_allowed_origins.iter().cloned()),
                methods: "GET, POST",
                request_headers: "content-type",
                exposed_headers: "",
            },
            visitors: visitors(&config.process.service_secret),
            path: public.gateway_socket_path.clone(),
            transports: transport::Transports::default(),
            workers: TaskTracker::new(),
        }
    }

    /// Verifies an access token.
    async fn verify(&self, token: String) -> Result<Session, Error> {
        let user = self.verifier.authenticate(&token).await?;
        Ok(Session { user, token })
    }
}

/// Returns the visitor ids, which all gateways recognise, also after a rotation of the service secret.
fn visitors(secrets: &ServiceSecretConfig) -> Visitors {
    let previous = secrets.service_secret_previous.as_ref();
    Visitors::new(
        secrets.service_secret.expose_secret().as_bytes(),
        previous.map(|secret| secret.expose_secret().as_bytes()),
    )
}
