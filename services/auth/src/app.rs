//! The state that gRPC methods and periodic tasks share.

use std::net::SocketAddr;

use bucket::Bucket;
use identity::Verifier;
use objects::ImageStore;
use primitives::Clock;
use runtime::Chassis;

use crate::MIGRATIONS;
use crate::config::Config;
use crate::crypto::{Passwords, SigningKeys};
use crate::domain::Lifetimes;
use crate::store::{Store, Throttle};

pub struct App {
    pub store: Store,
    pub throttle: Throttle,
    pub bucket: Bucket,
    pub pictures: ImageStore,
    pub passwords: Passwords,
    pub keys: SigningKeys,
    pub verifier: Verifier,
    pub clock: Clock,
    pub lifetimes: Lifetimes,
    pub grpc_addr: SocketAddr,
}

impl App {
    pub(crate) fn new(config: Config, chassis: &mut Chassis) -> anyhow::Result<Self> {
        let (grpc_addr, verifier) = (chassis.grpc_addr()?, chassis.verifier.clone());
        let keys = SigningKeys::from_config(&config.tokens)?;
        let fetch = verifier.begin_fetch();
        verifier.set_keys(keys.key_set(), fetch);
        let lifetimes = Lifetimes {
            access: chrono::Duration::from_std(config.tokens.access_lifetime())?,
            refresh: chrono::Duration::from_std(config.tokens.refresh_lifetime())?,
        };
        let process = &mut chassis.process;
        let clock = process.clock.clone();
        let database = process.database(&config.database, MIGRATIONS)?;
        // Without Redis, sign-ins go on without the throttle.
        let redis = process.redis(&config.redis)?;
        let bucket = Bucket::new(&config.bucket)?;
        Ok(Self {
            throttle: Throttle::new(redis, config.throttle.clone(), clock.clone()),
            pictures: ImageStore::new(database.clone(), bucket.clone(), clock.clone()),
            store: Store::new(database, lifetimes),
            passwords: Passwords::new(&config.passwords)?,
            bucket,
            keys,
            verifier,
            clock,
            lifetimes,
            grpc_addr,
        })
    }
}
