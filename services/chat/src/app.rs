//! What the handlers share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bus::{Bus, Realtime};
use identity::{ServiceName, ServiceTokens, Verifier};
use primitives::Clock;
use proto::Peer;
use runtime::Health;
use storage::{Mongo, RateLimiter, Redis};

use crate::cache::access::AccessCache;
use crate::cache::follows::FollowCache;
use crate::cache::latest_seq::LatestSeqCache;
use crate::cache::rooms::RoomCache;
use crate::config::Config;
use crate::error::Result;
use crate::store::slow_mode::SlowMode;
use crate::writer::Writer;

/// Clients, caches and the clock.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database `chat`.
    pub mongo: Mongo,
    /// The server of the rates.
    pub redis: Redis,
    /// RabbitMQ.
    pub bus: Bus,
    /// Messages to the gateways.
    pub realtime: Realtime,
    /// The auth service.
    pub auth: Peer,
    /// Our tokens, and the check of others'.
    pub tokens: ServiceTokens,
    /// The check of users' tokens.
    pub verifier: Verifier,
    pub rooms: RoomCache,
    pub access: AccessCache,
    pub follows: FollowCache,
    pub rates: RateLimiter,
    pub slow_mode: SlowMode,
    pub writer: Writer,
    pub latest_seq: LatestSeqCache,
    /// What the process needs to do its work.
    pub health: Health,
    /// Whether the indexes are made.
    pub indexed: Arc<AtomicBool>,
    /// Where gRPC is answered.
    pub grpc_addr: SocketAddr,
    /// Where probes and metrics are answered.
    pub internal_addr: SocketAddr,
}

impl App {
    /// Makes all clients, none of which waits for its server.
    pub(crate) async fn new(
        config: Config,
        grpc_addr: SocketAddr,
        internal_addr: SocketAddr,
    ) -> Result<Self> {
        let clock = Clock::system();
        let mongo = Mongo::connect(&config.mongo, "chat").await?;
        let redis = Redis::connect(&config.redis)?;
        let bus = Bus::connect(&config.bus, "chat").map_err(primitives::Error::from)?;
        let realtime = Realtime::start(&bus);
        let tokens = ServiceTokens::from_config(&config.service_secret, ServiceName::Chat, clock.clone());
        let streams = Peer::new(config.stream_url.clone(), tokens.clone());
        let auth = Peer::new(config.auth_url.clone(), tokens.clone());
        let latest_seq = LatestSeqCache::new(mongo.clone());
        Ok(Self {
            follows: FollowCache::new(auth.clone()),
            auth,
            verifier: Verifier::new(clock.clone()),
            rooms: RoomCache::new(mongo.clone(), streams, clock.clone()),
            access: AccessCache::new(mongo.clone(), clock.clone()),
            rates: RateLimiter::new(redis.clone(), clock.clone()),
            slow_mode: SlowMode::new(redis.clone(), clock.clone()),
            writer: Writer::new(mongo.clone(), latest_seq.clone(), realtime.clone(), clock.clone()),
            latest_seq,
            health: Health::new(),
            indexed: Arc::default(),
            config,
            clock,
            mongo,
            redis,
            bus,
            realtime,
            tokens,
            grpc_addr,
            internal_addr,
        })
    }

    /// Names what the process needs. Without Redis users' rates are counted by each replica.
    pub(crate) fn watch_health(&self) {
        let mongo = self.mongo.clone();
        self.health.require("mongodb", move || {
            let mongo = mongo.clone();
            async move { mongo.ping().await }
        });
        let indexed = self.indexed.clone();
        self.health.require("indexes", move || {
            let made = indexed.load(Ordering::Relaxed);
            async move { if made { Ok(()) } else { Err("not made yet") } }
        });
        let bus = self.bus.clone();
        self.health.require("rabbitmq", move || {
            let bus = bus.clone();
            async move { bus.ping().await }
        });
        let verifier = self.verifier.clone();
        self.health.require("keys", move || {
            let known = verifier.is_ready();
            async move {
                if known {
                    Ok(())
                } else {
                    Err("no key of the auth service yet")
                }
            }
        });
        let redis = self.redis.clone();
        self.health.watch("redis", move || {
            let redis = redis.clone();
            async move { redis.ping().await }
        });
    }
}
