//! What the parts of one process share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bucket::Bucket;
use bus::Bus;
use identity::{ServiceName, ServiceTokens, Verifier};
use primitives::Clock;
use proto::Peer;
use runtime::Health;
use storage::list::Totals;
use storage::{Database, Redis};

use objects::Pictures;

use crate::config::{CommonConfig, ServeConfig, WorkConfig};
use crate::domain::Work;
use crate::error::Result;
use crate::outbound::files::Files;
use crate::slots::Slots;
use crate::store::vods::Filter;

/// What every part of a process needs.
pub struct App {
    /// The settings.
    pub config: CommonConfig,
    /// The time.
    pub clock: Clock,
    /// The database `vod`.
    pub database: Database,
    /// Videos and their pictures.
    pub bucket: Bucket,
    /// Pictures that people send.
    pub pictures: Pictures,
    /// The stream service.
    pub stream: Peer,
    /// Our tokens, and the check of others'.
    pub tokens: ServiceTokens,
    /// What the process needs to do its work.
    pub health: Health,
    /// Where probes and metrics are answered.
    pub internal_addr: SocketAddr,
}

/// What answering calls and hearing events needs besides.
pub struct Serving {
    /// What every part needs.
    pub app: Arc<App>,
    /// The settings.
    pub config: ServeConfig,
    /// The view cooldown.
    pub redis: Redis,
    /// RabbitMQ.
    pub bus: Bus,
    /// The auth service.
    pub auth: Peer,
    /// The check of users' tokens.
    pub verifier: Verifier,
    /// Places for uploads.
    pub uploads: Arc<Slots>,
    /// Lengths of lists of VODs.
    pub totals: Totals<Filter>,
    /// Where gRPC is answered.
    pub grpc_addr: SocketAddr,
}

/// What turning the recordings of a node into VODs needs besides.
pub struct Worker {
    /// What every part needs.
    pub app: Arc<App>,
    /// The settings.
    pub config: WorkConfig,
    /// The media node beside whose disk this is.
    pub node: String,
    /// That disk.
    pub files: Files,
    /// The rules of the work.
    pub rules: Work,
}

impl App {
    /// Makes the clients, none of which waits for its server.
    pub(crate) fn new(config: CommonConfig, internal_addr: SocketAddr) -> Result<Self> {
        let clock = Clock::system();
        let tokens = ServiceTokens::from_config(&config.secret, ServiceName::Vod, clock.clone());
        let database = Database::connect(&config.database)?;
        let bucket = Bucket::new(&config.bucket)?;
        let app = Self {
            pictures: Pictures::new(database.clone(), bucket.clone(), clock.clone()),
            database,
            bucket,
            stream: Peer::new(config.stream_url.clone(), tokens.clone()),
            health: Health::new(),
            config,
            clock,
            tokens,
            internal_addr,
        };
        let database = app.database.clone();
        app.health.require("postgres", move || {
            let database = database.clone();
            async move { database.ping().await }
        });
        Ok(app)
    }

    /// How long a presigned URL lives.
    #[must_use]
    pub fn url_life(&self) -> Duration {
        self.config.url_life()
    }
}

impl Serving {
    /// Makes the clients, none of which waits for its server. Without Redis views are not counted, and that
    /// is all.
    pub(crate) fn new(app: Arc<App>, config: ServeConfig, grpc_addr: SocketAddr) -> Result<Self> {
        let serving = Self {
            redis: Redis::connect(&config.redis)?,
            bus: Bus::connect(&config.bus, "vod")?,
            auth: Peer::new(config.auth_url.clone(), app.tokens.clone()),
            verifier: Verifier::new(app.clock.clone()),
            uploads: Slots::new(usize::from(config.uploads)),
            totals: Totals::default(),
            app,
            config,
            grpc_addr,
        };
        let health = &serving.app.health;
        let bus = serving.bus.clone();
        health.require("rabbitmq", move || {
            let bus = bus.clone();
            async move { bus.ping().await }
        });
        let verifier = serving.verifier.clone();
        health.require("keys", move || {
            let known = verifier.is_ready();
            async move {
                if known {
                    Ok(())
                } else {
                    Err("no key of the auth service yet")
                }
            }
        });
        let redis = serving.redis.clone();
        health.watch("redis", move || {
            let redis = redis.clone();
            async move { redis.ping().await }
        });
        Ok(serving)
    }
}

impl Worker {
    /// Looks at the node's disk; a directory that is missing shows in the health, not here.
    pub(crate) fn new(app: Arc<App>, node: String, config: WorkConfig) -> Self {
        let files = Files::new(
            config.recordings_dir.clone().unwrap_or_default(),
            config.work_dir.clone(),
        );
        let disk = files.clone();
        app.health.require("recordings", move || {
            let disk = disk.clone();
            async move { disk.check().await }
        });
        Self {
            rules: config.rules(),
            app,
            config,
            node,
            files,
        }
    }
}
