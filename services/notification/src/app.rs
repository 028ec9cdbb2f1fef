//! What the handlers share.

use std::net::SocketAddr;

use bus::{Bus, Realtime};
use primitives::Clock;
use proto::Peer;
use runtime::Chassis;
use storage::{Database, Redis};
use tokio::sync::Notify;

use crate::MIGRATIONS;
use crate::config::Config;
use crate::store::queue::JobQueue;

pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub database: Database,
    pub redis: Redis,
    pub queue: JobQueue,
    pub bus: Bus,
    pub realtime: Realtime,
    pub auth: Peer,
    pub grpc_addr: SocketAddr,
    /// Wakes the removal of what belonged to deleted accounts.
    pub purges: Notify,
}

impl App {
    pub(crate) fn new(config: Config, chassis: &mut Chassis) -> anyhow::Result<Self> {
        let grpc_addr = chassis.grpc_addr()?;
        let process = &mut chassis.process;
        // Without Redis and auth, notifications are late, but lists are answered.
        let redis = process.redis(&config.redis)?;
        Ok(Self {
            database: process.database(&config.database, MIGRATIONS)?,
            queue: JobQueue::new(&config.redis, redis.clone(), &config.jobs.queue_prefix)?,
            realtime: Realtime::start(&chassis.bus),
            auth: process.peer(&config.auth_url),
            purges: Notify::new(),
            clock: process.clock.clone(),
            bus: chassis.bus.clone(),
            redis,
            grpc_addr,
            config,
        })
    }
}
