//! What the parts of one process share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bucket::Bucket;
use bus::Bus;
use objects::ImageStore;
use primitives::Clock;
use proto::Peer;
use runtime::{Chassis, Process};
use storage::list::Totals;
use storage::{Database, Redis};

use crate::MIGRATIONS;
use crate::config::{AppConfig, ServeConfig, WorkConfig};
use crate::domain::{JobPolicy, UploadSlots};
use crate::outbound::files::Files;
use crate::store::vods::Filter;

/// What every process of this service needs.
pub struct App {
    pub config: AppConfig,
    pub clock: Clock,
    pub database: Database,
    pub bucket: Bucket,
    /// Thumbnails that users upload.
    pub pictures: ImageStore,
    pub stream: Peer,
}

/// What answering calls and consuming events needs besides.
pub struct Serving {
    pub app: Arc<App>,
    pub config: ServeConfig,
    /// The view cooldown.
    pub redis: Redis,
    pub bus: Bus,
    pub auth: Peer,
    /// Limits concurrent uploads.
    pub uploads: Arc<UploadSlots>,
    /// Cached totals of lists.
    pub totals: Totals<Filter>,
    pub grpc_addr: SocketAddr,
}

/// What turning the recordings of a media node into VODs needs besides.
pub struct Worker {
    pub app: Arc<App>,
    pub config: WorkConfig,
    /// The media node whose disk is on this machine.
    pub node: String,
    pub files: Files,
    pub policy: JobPolicy,
}

impl App {
    pub(crate) fn new(config: AppConfig, process: &mut Process) -> anyhow::Result<Self> {
        let clock = process.clock.clone();
        let database = process.database(&config.database, MIGRATIONS)?;
        let bucket = Bucket::new(&config.bucket)?;
        Ok(Self {
            pictures: ImageStore::new(database.clone(), bucket.clone(), clock.clone()),
            stream: process.peer(&config.stream_url),
            database,
            bucket,
            clock,
            config,
        })
    }

    /// How long a presigned URL is valid.
    #[must_use]
    pub fn url_life(&self) -> Duration {
        self.config.url_life()
    }
}

impl Serving {
    pub(crate) fn new(app: Arc<App>, config: ServeConfig, chassis: &Chassis) -> anyhow::Result<Self> {
        let process = &chassis.process;
        Ok(Self {
            // Without Redis no views are counted; nothing else is lost.
            redis: process.redis(&config.redis)?,
            auth: process.peer(&config.auth_url),
            bus: chassis.bus.clone(),
            uploads: UploadSlots::new(usize::from(config.uploads)),
            totals: Totals::default(),
            grpc_addr: chassis.grpc_addr()?,
            app,
            config,
        })
    }
}

impl Worker {
    /// A directory that does not exist shows in the health, not here.
    pub(crate) fn new(app: Arc<App>, node: String, config: WorkConfig, process: &Process) -> Self {
        let recordings = config.recordings_dir.clone().unwrap_or_default();
        let files = Files::new(recordings, config.work_dir.clone());
        process.health.require(files.clone());
        Self {
            policy: config.job_policy(),
            app,
            config,
            node,
            files,
        }
    }
}
