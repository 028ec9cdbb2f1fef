//! What the process holds, and how its parts are wired.

use std::net::SocketAddr;
use std::sync::Arc;

use bus::{Bus, Listener, Realtime, RealtimeSubscriber};
use bytes::Bytes;
use identity::{ServiceName, ServiceTokens, Verifier};
use primitives::Clock;
use runtime::identity_sync::{self, AuthPeer};
use runtime::{ConfigError, Health, InternalListener, Shutdown};
use serde_json::Value;
use storage::{RateLimiter, Redis};

use crate::config::Config;
use crate::error::Error;
use crate::hub::Hub;
use crate::inbound::rest::{Page, Recent, Rest, RestListener};
use crate::inbound::socket::{SocketListener, Sockets};
use crate::inbound::{clock, events, rest, socket};
use crate::outbound::peers::Peers;
use crate::outbound::people::People;
use crate::outbound::views::Views;
use crate::store::limits::RouteLimits;

/// A gateway that answers on its ports.
pub struct App {
    /// Where REST and the page are answered.
    pub rest_addr: SocketAddr,
    /// Where Socket.IO is answered.
    pub socket_addr: SocketAddr,
    /// Where probes and metrics are answered.
    pub internal_addr: SocketAddr,
    shutdown: Shutdown,
    bus: Bus,
}

impl App {
    /// Runs until the shutdown asks for a stop.
    ///
    /// # Errors
    /// When a part without which there is no gateway ended by itself.
    pub async fn run(self) -> anyhow::Result<()> {
        let finished = self.shutdown.finished().await;
        self.bus.close().await;
        Ok(finished?)
    }
}

/// Takes the ports, starts everything, and returns while the servers around are still being connected to.
///
/// # Errors
/// A port that is taken, or a setting that is impossible.
pub async fn build(config: Config, clock: Clock, shutdown: Shutdown) -> Result<App, Error> {
    config.check()?;
    let listen = |addr| move |source| Error::Listen { addr, source };
    let public = &config.public;
    let internal =
        InternalListener::bind(config.process.internal_addr).map_err(listen(config.process.internal_addr))?;
    let rest = RestListener::bind(public.gateway_rest_addr).map_err(listen(public.gateway_rest_addr))?;
    let socket = SocketListener::bind(public.gateway_socket_addr)
        .await
        .map_err(listen(public.gateway_socket_addr))?;
    let (internal_addr, rest_addr, socket_addr) = (internal.addr(), rest.addr(), socket.addr());

    let tokens = ServiceTokens::from_config(&config.service_secret, ServiceName::Gateway, clock.clone());
    let verifier = Verifier::new(clock.clone());
    let peers = Peers::new(&config.peers, &tokens);
    let people = People::new(peers.clone());
    let bus = Bus::connect(&config.bus, "gateway")?;
    let realtime = RealtimeSubscriber::start(&bus, &[Realtime::USERS]);
    let hub = Arc::new(Hub::new(
        peers.clone(),
        verifier.clone(),
        realtime.bindings(),
        config.socket.most(),
    ));

    let redis = Redis::connect(&config.redis)?;
    let health = health(&verifier, &bus, &redis);
    internal
        .serve(health.clone(), &shutdown)
        .map_err(listen(internal_addr))?;
    identity_sync::start(
        &verifier,
        &AuthPeer::new(peers.auth_peer().clone()),
        &bus,
        &shutdown,
    );
    let recent = Recent::new(public.answer_age());
    events::start(
        &hub,
        &people,
        &recent,
        &verifier,
        Listener::start(&bus, events::KEYS),
        realtime,
        &shutdown,
    );
    let views = Arc::new(Views::new(peers.clone()));
    clock::start(&hub, &views, &shutdown);

    let limits_clock = clock.clone();
    let call_timeout = config.peers.call_timeout();
    let sockets = Sockets::new(hub, peers.clone(), verifier.clone(), clock, &config);
    socket.serve(&Arc::new(sockets), &shutdown);
    let state = Rest {
        peers,
        people,
        recent,
        views,
        verifier,
        health,
        shutdown: shutdown.clone(),
        call_timeout,
        body_timeout: public.body_timeout(),
        trusted: public.gateway_trusted_proxies.clone(),
        rates: config.limits.limits(),
        limits: RouteLimits::new(RateLimiter::new(redis, limits_clock)),
        page: page(&config)?,
        openapi: json(&rest::document()),
        asyncapi: json(&socket::document()),
    };
    rest.serve(state, public, &shutdown).map_err(listen(rest_addr))?;
    tracing::info!(%rest_addr, %socket_addr, %internal_addr, "gateway is up");
    Ok(App {
        rest_addr,
        socket_addr,
        internal_addr,
        shutdown,
        bus,
    })
}

/// Without keys no token can be judged; without the bus rooms still work, with a delay of two seconds;
/// without Redis each gateway counts requests for itself.
fn health(verifier: &Verifier, bus: &Bus, redis: &Redis) -> Health {
    let health = Health::new();
    let keys = verifier.clone();
    health.require("auth keys", move || {
        let known = keys.is_ready();
        async move { if known { Ok(()) } else { Err("no keys yet") } }
    });
    let bus = bus.clone();
    health.watch("bus", move || {
        let bus = bus.clone();
        async move { bus.ping().await }
    });
    let redis = redis.clone();
    health.watch("redis", move || {
        let redis = redis.clone();
        async move { redis.ping().await }
    });
    health
}

/// A description as it is served.
fn json(document: &Value) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
}

fn page(config: &Config) -> Result<Page, Error> {
    let Some(directory) = &config.public.gateway_web_dir else {
        return Ok(Page::default());
    };
    let unreadable = |error| ConfigError::new("AIRWAVE_GATEWAY_WEB_DIR", format!("cannot be read: {error}"));
    Ok(Page::read(directory).map_err(unreadable)?)
}
