//! What the parts of the process share.

use std::net::SocketAddr;

use bucket::Bucket;
use bus::{Bus, Realtime};
use objects::ImageStore;
use proto::Peer;
use runtime::{Chassis, LabelledGauges};
use storage::Redis;

use crate::MIGRATIONS;
use crate::config::Config;
use crate::domain::Keyring;
use crate::outbound::media_node::MediaNodes;
use crate::store::Store;
use crate::store::leases::{LEASE_DURATION, Leases};

pub struct App {
    pub config: Config,
    pub store: Store,
    pub redis: Redis,
    pub leases: Leases,
    pub bucket: Bucket,
    pub nodes: MediaNodes,
    pub bus: Bus,
    pub realtime: Realtime,
    pub auth: Peer,
    /// Measurements of each live stream.
    pub gauges: LabelledGauges,
    pub grpc_addr: SocketAddr,
    pub hooks_addr: SocketAddr,
    pub internal_addr: SocketAddr,
}

impl App {
    pub(crate) fn new(config: Config, chassis: &mut Chassis, hooks_addr: SocketAddr) -> anyhow::Result<Self> {
        let (grpc_addr, bus) = (chassis.grpc_addr()?, chassis.bus.clone());
        let process = &mut chassis.process;
        let clock = process.clock.clone();
        let database = process.database(&config.database, MIGRATIONS)?;
        // Without Redis no viewers are counted, and without a media node no stream goes live; the rest works.
        let redis = process.redis(&config.redis)?;
        let nodes = MediaNodes::new(&config.stream_media_nodes, clock.clone())?;
        process.health.watch(nodes.clone());
        let bucket = Bucket::new(&config.bucket)?;
        Ok(Self {
            store: Store {
                pictures: ImageStore::new(database.clone(), bucket.clone(), clock.clone()),
                database,
                clock,
                keyring: Keyring::new(&config.stream_key_secret),
            },
            leases: Leases::new(redis.clone(), LEASE_DURATION),
            auth: process.peer(&config.auth_url),
            gauges: process.gauges.clone(),
            internal_addr: process.internal_addr(),
            realtime: Realtime::start(&bus),
            redis,
            bucket,
            nodes,
            bus,
            grpc_addr,
            hooks_addr,
            config,
        })
    }
}
