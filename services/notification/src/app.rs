//! What the handlers share.

use std::net::SocketAddr;

use bus::{Bus, Realtime};
use identity::{ServiceName, ServiceTokens, Verifier};
use primitives::Clock;
use proto::Peer;
use runtime::Health;
use storage::{Database, Redis};
use tokio::sync::Notify;

use crate::config::Config;
use crate::error::Result;
use crate::store::queue::JobQueue;

/// Pools, clients and the clock.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database `notification`.
    pub database: Database,
    /// The server of the job queue.
    pub redis: Redis,
    /// The job queue.
    pub queue: JobQueue,
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
    /// What the process needs to do its work.
    pub health: Health,
    /// Wakes the removal of what belonged to accounts that went.
    pub purges: Notify,
    /// Where gRPC is answered.
    pub grpc_addr: SocketAddr,
    /// Where probes and metrics are answered.
    pub internal_addr: SocketAddr,
}

impl App {
    /// Makes all clients, none of which waits for its server.
    pub(crate) fn new(config: Config, grpc_addr: SocketAddr, internal_addr: SocketAddr) -> Result<Self> {
        let clock = Clock::system();
        let database = Database::connect(&config.database)?;
        let redis = Redis::connect(&config.redis)?;
        let queue = JobQueue::new(&config.redis, redis.clone(), &config.jobs.queue_prefix)?;
        let bus = Bus::connect(&config.bus, "notification")?;
        let tokens =
            ServiceTokens::from_config(&config.service_secret, ServiceName::Notification, clock.clone());
        Ok(Self {
            realtime: Realtime::start(&bus),
            auth: Peer::new(config.auth_url.clone(), tokens.clone()),
            verifier: Verifier::new(clock.clone()),
            health: Health::new(),
            purges: Notify::new(),
            config,
            clock,
            database,
            redis,
            queue,
            bus,
            tokens,
            grpc_addr,
            internal_addr,
        })
    }

    /// Names what the process needs. Without Redis and the auth service notices are late, but lists are
    /// answered.
    pub(crate) fn watch_health(&self) {
        let database = self.database.clone();
        self.health.require("postgres", move || {
            let database = database.clone();
            async move { database.ping().await }
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
