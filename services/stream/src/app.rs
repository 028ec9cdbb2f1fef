//! What the parts of the process share.

use std::net::SocketAddr;
use std::time::Duration;

use bucket::Bucket;
use bus::{Bus, Realtime};
use identity::{ServiceName, ServiceTokens, Verifier};
use objects::Pictures;
use primitives::Clock;
use proto::Peer;
use runtime::{Figures, Health};
use storage::{Database, Redis};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::{Keyring, Rules};
use crate::error::Result;
use crate::inbound::clock::{Reconciler, ViewerCounts};
use crate::inbound::hooks::{HookSecret, Hooks, Space};
use crate::inbound::rpc::Rpc;
use crate::outbound::media_node::MediaNodes;
use crate::store::Store;
use crate::store::leases::{LEASE, Leases};
use crate::store::streams::Totals;

/// Between two looks for objects that are to go.
const REMOVAL: Duration = Duration::from_secs(1);

/// Pools, clients and the clock.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The tables.
    pub store: Store,
    /// Redis, where the leases are.
    pub redis: Redis,
    /// Viewers.
    pub leases: Leases,
    /// The bucket of the pictures.
    pub bucket: Bucket,
    /// The media nodes.
    pub nodes: MediaNodes,
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
    /// What is measured of each live stream.
    pub figures: Figures,
    /// Where gRPC is answered.
    pub grpc_addr: SocketAddr,
    /// Where hooks are answered.
    pub hooks_addr: SocketAddr,
    /// Where probes and metrics are answered.
    pub internal_addr: SocketAddr,
}

/// The ports that were taken.
pub(crate) struct Addresses {
    pub(crate) grpc: SocketAddr,
    pub(crate) hooks: SocketAddr,
    pub(crate) internal: SocketAddr,
}

impl App {
    /// Makes all clients, none of which waits for its server.
    pub(crate) fn new(config: Config, addresses: Addresses) -> Result<Self> {
        // The HTTP client that asks media nodes wants one, though they speak plain HTTP.
        runtime::install_tls_provider();
        let clock = Clock::system();
        let database = Database::connect(&config.database)?;
        let redis = Redis::connect(&config.redis)?;
        let bus =
            Bus::connect(&config.bus, "stream").map_err(|error| storage::Error::Config(error.to_string()))?;
        let bucket =
            Bucket::new(&config.bucket).map_err(|error| storage::Error::Config(error.to_string()))?;
        let tokens = ServiceTokens::from_config(&config.service_secret, ServiceName::Stream, clock.clone());
        Ok(Self {
            nodes: MediaNodes::new(&config.stream_media_nodes)?,
            store: Store {
                pictures: Pictures::new(database.clone(), bucket.clone(), clock.clone()),
                database,
                clock: clock.clone(),
                keyring: Keyring::new(&config.stream_key_secret),
            },
            bucket,
            leases: Leases::new(redis.clone(), LEASE),
            redis,
            realtime: Realtime::start(&bus),
            bus,
            auth: Peer::new(config.auth_url.clone(), tokens.clone()),
            tokens,
            verifier: Verifier::new(clock),
            health: Health::new(),
            figures: Figures::default(),
            grpc_addr: addresses.grpc,
            hooks_addr: addresses.hooks,
            internal_addr: addresses.internal,
            config,
        })
    }

    /// Names what the process needs. Without Redis nobody is counted, and without a media node nobody goes
    /// live, but all else works.
    pub(crate) fn watch_health(&self) {
        let database = self.store.database.clone();
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
        let nodes = self.nodes.clone();
        self.health.watch("media nodes", move || {
            let nodes = nodes.clone();
            async move { nodes.check().await }
        });
    }

    pub(crate) fn hooks(&self) -> Hooks {
        let config = &self.config;
        Hooks {
            store: self.store.clone(),
            nodes: self.nodes.clone(),
            secret: HookSecret::new(&config.stream_hook_secret),
            space: Space::new(config.stream_recordings_dir.clone(), config.stream_min_free_bytes),
        }
    }

    pub(crate) fn rpc(&self) -> Rpc {
        Rpc {
            store: self.store.clone(),
            leases: self.leases.clone(),
            nodes: self.nodes.clone(),
            rtmp_url: self.config.stream_rtmp_url.clone(),
            totals: Totals::default(),
        }
    }

    /// Removes from the bucket what no row names.
    pub(crate) fn objects(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let Store { database, clock, .. } = self.store.clone();
        objects::keep_removing(database, self.bucket.clone(), clock, REMOVAL, stop)
    }

    pub(crate) fn reconciler(&self) -> Reconciler {
        let seconds = |seconds: u16| chrono::Duration::seconds(seconds.into());
        let rules = Rules {
            grace: seconds(self.config.stream_reconnect_grace_seconds),
            node_silence: seconds(self.config.stream_node_silence_seconds),
        };
        Reconciler {
            store: self.store.clone(),
            nodes: self.nodes.clone(),
            rules,
        }
    }

    pub(crate) fn viewer_counts(&self) -> ViewerCounts {
        ViewerCounts {
            store: self.store.clone(),
            leases: self.leases.clone(),
            realtime: self.realtime.clone(),
            figures: self.figures.clone(),
        }
    }
}
