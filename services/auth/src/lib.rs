#![doc = include_str!("../README.md")]
//!
//! # The code
//!
//! [`build`] takes the ports and makes the clients; [`run`] answers until the stop. A call enters through
//! [`inbound::rpc`], which says who may call what; [`domain`] has the rules; [`store`] the tables, with the
//! row of the outbox in the same transaction. [`admin`] is what `auth admin` does.

pub mod admin;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod error;
pub mod inbound;
pub mod store;

mod passwords;
mod schema;
mod signing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::identity::{KeySet, Revocation, ServiceName, ServiceTokens, Verifier};
use anyhow::Context;
use bucket::Bucket;
use bus::{Bus, Relay};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use objects::Pictures;
use primitives::Clock;
use proto::Access;
use proto::auth::v1::auth_service_server::{AuthServiceServer, SERVICE_NAME};
use runtime::{GrpcListener, Health, InternalListener, Shutdown, identity_sync};
use storage::{Database, Redis};

use crate::app::App;
use crate::config::Config;
use crate::domain::Lifetimes;
use crate::inbound::rpc::{CALLERS, Rpc};
use crate::passwords::Passwords;
use crate::signing::SigningKeys;
use crate::store::{Store, Throttle};

/// The tables of the bus, of objects and ours, in the order in which they are made.
pub static MIGRATIONS: [EmbeddedMigrations; 3] = [
    bus::MIGRATIONS,
    objects::MIGRATIONS,
    embed_migrations!("migrations"),
];

/// Between two looks for pictures that are to go.
const REMOVAL: Duration = Duration::from_secs(1);

/// A service that has its ports and has not begun to answer.
pub struct Service {
    app: App,
    config: Config,
    database: Database,
    redis: Redis,
    bucket: Bucket,
    bus: Bus,
    service_tokens: ServiceTokens,
    grpc: GrpcListener,
    internal: InternalListener,
    shutdown: Shutdown,
}

impl Service {
    /// Where it answers gRPC.
    #[must_use]
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc.addr()
    }

    /// Where it answers probes.
    #[must_use]
    pub fn internal_addr(&self) -> SocketAddr {
        self.internal.addr()
    }

    /// What its ways in share, for tests that look behind them.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }
}

/// Makes the clients and takes the ports. No server needs to be there yet.
///
/// # Errors
/// A setting that is impossible, or a port that is taken.
pub async fn build(config: Config, clock: Clock, shutdown: Shutdown) -> anyhow::Result<Service> {
    let keys = SigningKeys::from_config(&config.tokens)?;
    let verifier = Verifier::new(clock.clone());
    let fetch = verifier.begin_fetch();
    verifier.set_keys(keys.key_set(), fetch);
    let lifetimes = Lifetimes {
        access: chrono::Duration::from_std(config.tokens.access_life())?,
        refresh: chrono::Duration::from_std(config.tokens.refresh_life())?,
    };
    let database = Database::connect(&config.database)?;
    let redis = Redis::connect(&config.redis)?;
    let bus = Bus::connect(&config.bus, ServiceName::Auth.as_str())?;
    let bucket = Bucket::new(&config.bucket)?;
    let app = App {
        store: Store::new(database.clone(), lifetimes),
        throttle: Throttle::new(redis.clone(), config.throttle.clone()),
        pictures: Pictures::new(database.clone(), bucket.clone(), clock.clone()),
        passwords: Passwords::new(&config.passwords)?,
        keys: Arc::new(keys),
        verifier,
        clock: clock.clone(),
        lifetimes,
    };
    Ok(Service {
        app,
        database,
        redis,
        bucket,
        bus,
        service_tokens: ServiceTokens::from_config(&config.service, ServiceName::Auth, clock),
        grpc: GrpcListener::bind(config.grpc.grpc_addr)
            .await
            .context("the gRPC port is not free")?,
        internal: InternalListener::bind(config.process.internal_addr)
            .context("the internal port is not free")?,
        config,
        shutdown,
    })
}

/// Answers until the stop, then finishes what is in progress. While PostgreSQL can not be reached the process
/// is alive and not ready; it migrates and answers as soon as it can.
///
/// # Errors
/// A migration that fails, or an essential task that ended.
pub async fn run(service: Service) -> anyhow::Result<()> {
    let Service {
        app,
        config,
        database,
        redis,
        bucket,
        bus,
        service_tokens,
        grpc,
        internal,
        shutdown,
    } = service;
    internal.serve(health(&database, &redis, &bus), &shutdown)?;
    tokio::select! {
        migrated = storage::migrate_when_reachable(&config.database, &MIGRATIONS) => migrated?,
        () = shutdown.stopping() => return Ok(shutdown.finished().await?),
    }
    let access = Access::new(service_tokens, app.verifier.clone(), SERVICE_NAME, CALLERS);
    let router = runtime::grpc_server()
        .layer(access)
        .add_service(AuthServiceServer::new(Rpc::new(app.clone())));
    let drained = grpc.serve(router, &shutdown);
    // The events of the last calls still leave with us.
    shutdown.spawn_essential("relay", Relay::run(database.clone(), bus.clone(), drained));
    identity_sync::start(&app.verifier, &app, &bus, &shutdown);
    let removing = objects::keep_removing(
        database.clone(),
        bucket,
        app.clock.clone(),
        REMOVAL,
        shutdown.soft_token(),
    );
    shutdown.spawn("objects", removing);
    let pruning = inbound::clock::keep_pruned(app.store.clone(), app.clock.clone());
    let stop = shutdown.clone();
    shutdown.spawn("pruning", async move {
        let _ = stop.run_until_stopped(pruning).await;
    });
    tracing::info!("ready to answer");
    let finished = shutdown.finished().await;
    bus.close().await;
    database.close().await;
    Ok(finished?)
}

fn health(database: &Database, redis: &Redis, bus: &Bus) -> Health {
    let health = Health::new();
    let (database, redis, bus) = (database.clone(), redis.clone(), bus.clone());
    health.require("postgres", move || {
        let database = database.clone();
        async move { database.ping().await }
    });
    // Sign-ins go on without the throttle, and events wait in the outbox.
    health.watch("redis", move || {
        let redis = redis.clone();
        async move { redis.ping().await }
    });
    health.watch("rabbitmq", move || {
        let bus = bus.clone();
        async move { bus.ping().await }
    });
    health
}

/// We are the source ourselves: other replicas' revocations come from our own table.
impl identity_sync::Source for App {
    async fn key_set(&self) -> Result<KeySet, primitives::Error> {
        Ok(self.keys.key_set().clone())
    }

    async fn revocations_since(&self, cursor: &str) -> Result<(Vec<Revocation>, String), primitives::Error> {
        Ok(self.store.revocations_since(cursor).await?)
    }
}
