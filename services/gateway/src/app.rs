//! What the parts of the gateway share, and how they are wired.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bus::{Listener, Realtime, RealtimeSubscriber};
use bytes::Bytes;
use identity::ServiceName;
use primitives::Clock;
use runtime::identity_sync::AuthPeer;
use runtime::{Chassis, ConfigError, Shutdown};
use serde_json::Value;
use storage::{RateLimiter, Redis};

use crate::config::Config;
use crate::hub::Hub;
use crate::inbound::rest::{Page, Recent, Rest, RestListener};
use crate::inbound::socket::{SocketListener, Sockets};
use crate::inbound::{clock as periodic, events, rest as rest_api, socket as sockets_api};
use crate::outbound::peers::Peers;
use crate::outbound::people::People;
use crate::outbound::views::Views;
use crate::store::limits::RouteLimits;

/// The gateway with its ports bound. Nothing runs yet.
pub struct Service {
    pub rest_addr: SocketAddr,
    pub socket_addr: SocketAddr,
    config: Config,
    page: Page,
    redis: Redis,
    chassis: Chassis,
    rest: RestListener,
    socket: SocketListener,
}

/// Binds the ports and creates all clients. No server needs to be available.
///
/// # Errors
/// A port that is taken, or a setting that cannot work.
pub async fn build(config: Config, clock: Clock) -> anyhow::Result<Service> {
    let chassis = Chassis::bind_without_grpc(ServiceName::Gateway, &config.process, &config.bus, clock)?;
    let public = &config.public;
    let rest = RestListener::bind(public.gateway_rest_addr)
        .with_context(|| format!("cannot listen on {}", public.gateway_rest_addr))?;
    let socket = SocketListener::bind(public.gateway_socket_addr)
        .await
        .with_context(|| format!("cannot listen on {}", public.gateway_socket_addr))?;
    Ok(Service {
        rest_addr: rest.addr(),
        socket_addr: socket.addr(),
        page: page(&config)?,
        // Without Redis each gateway counts requests for itself.
        redis: chassis.process.redis(&config.redis)?,
        chassis,
        rest,
        socket,
        config,
    })
}

/// Runs until the stop.
///
/// # Errors
/// A listener that cannot start, or an essential task that ends.
pub async fn run(service: Service, shutdown: Shutdown) -> anyhow::Result<()> {
    let Service {
        config,
        page,
        redis,
        chassis,
        rest,
        socket,
        ..
    } = service;
    let process = &chassis.process;
    let (clock, health) = (process.clock.clone(), process.health.clone());
    let (bus, verifier) = (chassis.bus.clone(), chassis.verifier.clone());
    let peers = Peers::new(&config.peers, &process.tokens);
    let auth = AuthPeer::new(peers.auth_peer().clone());
    let start = |shutdown: &Shutdown| {
        let people = People::new(peers.clone());
        let recent = Recent::new(config.public.answer_age());
        let realtime = RealtimeSubscriber::start(&bus, &[Realtime::USERS]);
        let hub = Arc::new(Hub::new(
            peers.clone(),
            verifier.clone(),
            realtime.bindings(),
            config.socket.connection_limits(),
        ));
        let listener = Listener::start(&bus, events::KEYS);
        events::start(&hub, &people, &recent, &verifier, listener, realtime, shutdown);
        let views = Arc::new(Views::new(peers.clone()));
        periodic::start(&hub, &views, shutdown);
        let sockets = Sockets::new(hub, peers.clone(), verifier.clone(), clock.clone(), &config);
        socket.serve(&Arc::new(sockets), shutdown);
        let state = Rest {
            peers,
            people,
            recent,
            views,
            verifier,
            health,
            shutdown: shutdown.clone(),
            call_timeout: config.peers.call_timeout(),
            body_timeout: config.public.body_timeout(),
            trusted: config.public.gateway_trusted_proxies.clone(),
            rates: config.limits.limits(),
            limits: RouteLimits::new(RateLimiter::new(redis, clock)),
            openapi: json(&rest_api::document()),
            asyncapi: json(&sockets_api::document()),
        };
        Ok(rest.serve(state, page, &config.public, shutdown)?)
    };
    chassis.run(auth, &shutdown, |parts| start(&parts.shutdown)).await
}

/// Serialises an API description.
fn json(document: &Value) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
}

fn page(config: &Config) -> Result<Page, ConfigError> {
    let Some(directory) = &config.public.gateway_web_dir else {
        return Ok(Page::default());
    };
    let unreadable = |error| ConfigError::new("AIRWAVE_GATEWAY_WEB_DIR", format!("cannot be read: {error}"));
    Page::read(directory).map_err(unreadable)
}
