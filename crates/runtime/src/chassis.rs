//! What every service does around its own work.
//!
//! A service declares its name, its configuration, its migrations and its parts. The chassis does the rest in
//! one order: it binds the ports and creates the clients ([`Chassis::bind`], which starts nothing), answers
//! probes, keeps the token verifier supplied, migrates as soon as the database can be reached, starts the
//! parts, and after a stop drains calls, publishes the last events and closes the connections.
//!
//! ```no_run
//! # use runtime::{Chassis, CommonConfig, Parts, Shutdown, identity_sync::AuthPeer};
//! # async fn example(config: CommonConfig, auth_url: runtime::PeerUrl, shutdown: Shutdown,
//! #     database: storage::DatabaseConfig) -> anyhow::Result<()> {
//! # let clock = primitives::Clock::system();
//! let mut chassis = Chassis::bind(identity::ServiceName::Vod, &config, clock).await?;
//! let database = chassis.process.database(&database, &[bus::MIGRATIONS])?;
//! let auth = chassis.process.peer(&auth_url);
//! chassis
//!     .run(AuthPeer::new(auth), &shutdown, |parts: &mut Parts| {
//!         parts.relay(&database);
//!         parts.inbox(&database);
//!         Ok(())
//!     })
//!     .await
//! # }
//! ```

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use bucket::Bucket;
use bus::{Bus, BusConfig, Consumer, Delivery, HandlerError, Relay};
use identity::{ServiceName, ServiceTokens, Verifier};
use primitives::Clock;
use proto::Access;
use storage::Database;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use crate::config::{CommonConfig, GrpcConfig, ProcessConfig};
use crate::grpc::GrpcListener;
use crate::identity_sync::{self, Source};
use crate::process::Process;
use crate::shutdown::Shutdown;

/// Between two rounds of removing expired rows from the inbox and the idempotency keys.
const UPKEEP_PERIOD: Duration = Duration::from_secs(600);

/// A service with its ports bound and its clients created. Nothing runs yet.
pub struct Chassis {
    pub process: Process,
    pub bus: Bus,
    pub verifier: Verifier,
    grpc: Option<GrpcListener>,
}

impl Chassis {
    /// Binds the ports of a service that answers gRPC.
    ///
    /// # Errors
    /// When a port is taken, or the broker's URL is malformed.
    pub async fn bind(name: ServiceName, config: &CommonConfig, clock: Clock) -> anyhow::Result<Self> {
        let process = Process::bind(name, &config.process, clock)?;
        Self::new(process, &config.bus)?.with_grpc(&config.grpc).await
    }

    /// Binds the ports of a service that does not answer gRPC.
    ///
    /// # Errors
    /// When a port is taken, or the broker's URL is malformed.
    pub fn bind_without_grpc(
        name: ServiceName,
        process: &ProcessConfig,
        bus: &BusConfig,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        Self::new(Process::bind(name, process, clock)?, bus)
    }

    /// Adds the broker and the verifier to a process.
    ///
    /// # Errors
    /// When the broker's URL is malformed.
    pub fn new(process: Process, config: &BusConfig) -> anyhow::Result<Self> {
        let bus = Bus::connect(config, process.name.as_str())?;
        let verifier = Verifier::new(process.clock.clone());
        process.health.require(verifier.clone());
        // Events wait in the outbox, and consumers catch up: a broker outage must not make a replica unready.
        process.health.watch(bus.clone());
        Ok(Self {
            process,
            bus,
            verifier,
            grpc: None,
        })
    }

    /// Binds the gRPC port.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn with_grpc(mut self, config: &GrpcConfig) -> anyhow::Result<Self> {
        let listener = GrpcListener::bind(config.grpc_addr)
            .await
            .with_context(|| format!("cannot listen on {}", config.grpc_addr))?;
        self.grpc = Some(listener);
        Ok(self)
    }

    /// Returns the address of the gRPC listener.
    ///
    /// # Errors
    /// When this service does not answer gRPC.
    pub fn grpc_addr(&self) -> anyhow::Result<SocketAddr> {
        let listener = self.grpc.as_ref().context("this process has no gRPC port")?;
        Ok(listener.addr())
    }

    /// Runs the service until the stop. `start` gets the chassis' parts to start once the preparations have
    /// succeeded; `source` is where keys and revocations come from.
    ///
    /// # Errors
    /// A preparation or a start that fails, or an essential task that ends by itself.
    pub async fn run(
        mut self,
        source: impl Source,
        shutdown: &Shutdown,
        start: impl FnOnce(&mut Parts) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        identity_sync::start(&self.verifier, &source, &self.bus, shutdown);
        let mut parts = Parts {
            clock: self.process.clock.clone(),
            tokens: self.process.tokens.clone(),
            verifier: self.verifier,
            bus: self.bus.clone(),
            drained: shutdown.soft_token(),
            grpc: self.grpc,
            shutdown: shutdown.clone(),
        };
        self.process.at_end(async move { self.bus.close().await });
        self.process.run(shutdown, || start(&mut parts)).await
    }
}

/// The parts of a service that the chassis knows how to run. Each is an essential task.
pub struct Parts {
    pub shutdown: Shutdown,
    clock: Clock,
    tokens: ServiceTokens,
    verifier: Verifier,
    bus: Bus,
    grpc: Option<GrpcListener>,
    /// Cancelled after the stop once the last gRPC call is over.
    drained: CancellationToken,
}

impl Parts {
    /// Answers gRPC. `callers` lists, for each method, the services that may call it.
    ///
    /// # Errors
    /// When the chassis has no gRPC port, or the service was added already.
    pub fn grpc<S>(&mut self, service: S, callers: &[(&str, &'static [ServiceName])]) -> anyhow::Result<()>
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let listener = self.grpc.take().context("this process has no gRPC port")?;
        let access = Access::new(self.tokens.clone(), self.verifier.clone(), S::NAME, callers);
        let router = crate::grpc::server().layer(access).add_service(service);
        tracing::info!(grpc = %listener.addr(), "answering gRPC");
        self.drained = listener.serve(router, &self.shutdown);
        Ok(())
    }

    /// Publishes the events in the outbox. Call it after [`Parts::grpc`], so that the events of the last
    /// calls are still published.
    pub fn relay(&self, database: &Database) {
        let relay = Relay::run(database.clone(), self.bus.clone(), self.drained.clone());
        self.shutdown.spawn_essential("relay", relay);
    }

    /// Consumes events until the stop.
    pub fn consume<F>(&self, consumer: Consumer, handler: impl Fn(Delivery) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        let consuming = consumer.run(self.bus.clone(), self.shutdown.soft_token(), handler);
        self.shutdown.spawn_essential("events", consuming);
    }

    /// Removes handled events from the inbox once no repeat of them can arrive.
    pub fn inbox(&self, database: &Database) {
        let database = database.clone();
        self.shutdown.every("inbox", UPKEEP_PERIOD, move || {
            let database = database.clone();
            async move { bus::inbox_prune(&database).await.map(drop) }
        });
    }

    /// Removes expired idempotency keys.
    pub fn idempotency_keys(&self, database: &Database) {
        let (database, clock) = (database.clone(), self.clock.clone());
        self.shutdown.every("idempotency keys", UPKEEP_PERIOD, move || {
            let (database, now) = (database.clone(), clock.now());
            async move {
                storage::idempotency::delete_expired(&database, now)
                    .await
                    .map(drop)
            }
        });
    }

    /// Removes from the bucket the objects that no row uses.
    pub fn object_ledger(&self, database: &Database, bucket: &Bucket, period: Duration) {
        let (database, bucket, clock) = (database.clone(), bucket.clone(), self.clock.clone());
        self.shutdown.every("object ledger", period, move || {
            let (database, bucket, now) = (database.clone(), bucket.clone(), clock.now());
            async move {
                objects::ledger::delete_due(&database, &bucket, now)
                    .await
                    .map(drop)
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use identity::{KeySet, Revocation, TestIssuer};
    use primitives::Error;

    use super::*;
    use crate::health::Health;

    /// Auth with or without its database.
    #[derive(Clone)]
    struct FakeAuth {
        keys: KeySet,
        has_database: bool,
    }

    impl Source for FakeAuth {
        async fn key_set(&self) -> Result<KeySet, Error> {
            Ok(self.keys.clone())
        }

        async fn revocations_since(&self, _: &str) -> Result<(Vec<Revocation>, String), Error> {
            if self.has_database {
                Ok((Vec::new(), String::new()))
            } else {
                Err(Error::unavailable())
            }
        }
    }

    /// Starts a service whose broker does not exist.
    async fn start(has_database: bool) -> (Health, Shutdown) {
        let bus = BusConfig::new("amqp://127.0.0.1:1/none");
        let config = CommonConfig::for_testing(bus);
        let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
        let chassis = Chassis::bind(ServiceName::Stream, &config, clock).await.unwrap();
        let (health, shutdown) = (chassis.process.health.clone(), Shutdown::new(Duration::ZERO));
        let auth = FakeAuth {
            keys: TestIssuer::new().key_set(),
            has_database,
        };
        let stop = shutdown.clone();
        tokio::spawn(async move { chassis.run(auth, &stop, |_| Ok(())).await });
        (health, shutdown)
    }

    async fn dependencies(health: &Health) -> Vec<(&'static str, bool)> {
        let report = health.report(false).await;
        let states = report.dependencies.into_iter();
        states.map(|(name, state)| (name, state == "ok")).collect()
    }

    #[tokio::test]
    async fn broker_outage_is_reported_but_keeps_the_service_ready() {
        let (health, shutdown) = start(true).await;
        while !health.is_ready().await {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            dependencies(&health).await,
            [("identity", true), ("rabbitmq", false), ("startup", true)]
        );
        shutdown.abort();
    }

    #[tokio::test]
    async fn service_without_revocations_is_not_ready() {
        let (health, shutdown) = start(false).await;
        while dependencies(&health).await != [("identity", false), ("rabbitmq", false), ("startup", true)] {
            tokio::task::yield_now().await;
        }
        assert!(!health.is_ready().await);
        shutdown.abort();
    }
}
