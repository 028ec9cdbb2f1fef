//! What the handlers share.

use std::net::SocketAddr;

use bus::{Bus, Realtime};
use primitives::Clock;
use proto::Peer;
use runtime::Chassis;
use storage::{Mongo, RateLimiter, Redis};

use crate::cache::access::AccessCache;
use crate::cache::follows::FollowCache;
use crate::cache::latest_seq::LatestSeqCache;
use crate::cache::rooms::RoomCache;
use crate::config::Config;
use crate::store::indexes::indexes_create_when_reachable;
use crate::store::slow_mode::SlowMode;
use crate::writer::Writer;

pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub mongo: Mongo,
    pub redis: Redis,
    pub bus: Bus,
    pub realtime: Realtime,
    pub auth: Peer,
    pub rooms: RoomCache,
    pub access: AccessCache,
    pub follows: FollowCache,
    pub rates: RateLimiter,
    pub slow_mode: SlowMode,
    pub writer: Writer,
    pub latest_seq: LatestSeqCache,
    pub grpc_addr: SocketAddr,
}

impl App {
    pub(crate) async fn new(config: Config, chassis: &mut Chassis) -> anyhow::Result<Self> {
        let (grpc_addr, bus) = (chassis.grpc_addr()?, chassis.bus.clone());
        let process = &mut chassis.process;
        let clock = process.clock.clone();
        let mongo = Mongo::connect(&config.mongo, "chat").await?;
        process.health.require(mongo.clone());
        let indexed = mongo.clone();
        process.prepare(async move { Ok(indexes_create_when_reachable(&indexed).await?) });
        // Without Redis, each replica counts message rates by itself.
        let redis = process.redis(&config.redis)?;
        let (auth, streams) = (process.peer(&config.auth_url), process.peer(&config.stream_url));
        let realtime = Realtime::start(&bus);
        let latest_seq = LatestSeqCache::new(mongo.clone());
        Ok(Self {
            follows: FollowCache::new(auth.clone()),
            rooms: RoomCache::new(mongo.clone(), streams, clock.clone()),
            access: AccessCache::new(mongo.clone(), clock.clone()),
            rates: RateLimiter::new(redis.clone(), clock.clone()),
            slow_mode: SlowMode::new(redis.clone(), clock.clone()),
            writer: Writer::new(mongo.clone(), latest_seq.clone(), realtime.clone(), clock.clone()),
            latest_seq,
            auth,
            config,
            clock,
            mongo,
            redis,
            bus,
            realtime,
            grpc_addr,
        })
    }
}
