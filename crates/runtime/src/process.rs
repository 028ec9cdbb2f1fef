//! What every long-running process has, whether or not it answers gRPC.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use diesel_migrations::EmbeddedMigrations;
use futures::future::BoxFuture;
use identity::{ServiceName, ServiceTokens};
use primitives::Clock;
use proto::Peer;
use storage::{Database, DatabaseConfig, Redis, RedisConfig};

use crate::config::{PeerUrl, ProcessConfig};
use crate::gauges::LabelledGauges;
use crate::health::{Dependency, Health};
use crate::internal::InternalListener;
use crate::shutdown::Shutdown;

/// A process with its internal port bound and its clients created. Nothing runs and no server is contacted
/// before [`Process::run`].
pub struct Process {
    pub name: ServiceName,
    pub clock: Clock,
    /// Creates this service's tokens, and checks those of its callers.
    pub tokens: ServiceTokens,
    pub health: Health,
    pub gauges: LabelledGauges,
    internal: InternalListener,
    startup: Startup,
    preparations: Vec<BoxFuture<'static, anyhow::Result<()>>>,
    closings: Vec<BoxFuture<'static, ()>>,
}

/// Keeps a process unready until its preparations are done.
#[derive(Clone, Default)]
struct Startup(Arc<AtomicBool>);

impl Dependency for Startup {
    fn name(&self) -> &'static str {
        "startup"
    }

    async fn check(&self) -> Result<(), String> {
        if self.0.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err("migrations and other preparations are not done yet".to_owned())
        }
    }
}

impl Process {
    /// Binds the internal port.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn bind(name: ServiceName, config: &ProcessConfig, clock: Clock) -> anyhow::Result<Self> {
        crate::install_tls_provider();
        let internal = InternalListener::bind(config.internal_addr)
            .with_context(|| format!("cannot listen on {}", config.internal_addr))?;
        let (health, startup) = (Health::default(), Startup::default());
        health.require(startup.clone());
        Ok(Self {
            name,
            tokens: ServiceTokens::from_config(&config.service_secret, name, clock.clone()),
            clock,
            health,
            gauges: LabelledGauges::default(),
            internal,
            startup,
            preparations: Vec::new(),
            closings: Vec::new(),
        })
    }

    #[must_use]
    pub fn internal_addr(&self) -> SocketAddr {
        self.internal.addr()
    }

    /// Creates a pool over the service's own database: required for readiness, migrated before the start, and
    /// closed after the stop.
    ///
    /// # Errors
    /// A URL that no pool can be created for.
    pub fn database(
        &mut self,
        config: &DatabaseConfig,
        migrations: &'static [EmbeddedMigrations],
    ) -> anyhow::Result<Database> {
        let database = Database::connect(config)?;
        self.health.require(database.clone());
        let closing = database.clone();
        self.at_end(async move { closing.close().await });
        let config = config.clone();
        self.prepare(async move { Ok(storage::migrate_when_reachable(&config, migrations).await?) });
        Ok(database)
    }

    /// Creates a Redis client. Redis is watched: it may be emptied or lost at any time.
    ///
    /// # Errors
    /// A URL that no client can be created for.
    pub fn redis(&self, config: &RedisConfig) -> anyhow::Result<Redis> {
        let redis = Redis::connect(config)?;
        self.health.watch(redis.clone());
        Ok(redis)
    }

    /// Creates a client of another service.
    #[must_use]
    pub fn peer(&self, url: &PeerUrl) -> Peer {
        Peer::new(url.uri(), self.tokens.clone())
    }

    /// Adds work that must succeed before the service starts, such as creating indexes. It should wait for
    /// its server for as long as that takes.
    pub fn prepare(&mut self, work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.preparations.push(Box::pin(work));
    }

    /// Adds work for the time after the stop, when all tasks have ended, such as closing a connection. It
    /// runs in the order of the calls.
    pub fn at_end(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.closings.push(Box::pin(work));
    }

    /// Answers probes, prepares, starts the service, and waits for the stop.
    ///
    /// # Errors
    /// A preparation or a start that fails, or an essential task that ends by itself.
    pub async fn run(
        self,
        shutdown: &Shutdown,
        start: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let internal_addr = self.internal.addr();
        self.internal.serve(self.health, self.gauges, shutdown)?;
        let preparing = async {
            for preparation in self.preparations {
                preparation.await?;
            }
            anyhow::Ok(())
        };
        if let Some(prepared) = shutdown.run_until_stopped(preparing).await {
            prepared?;
            start()?;
            self.startup.0.store(true, Ordering::Release);
            tracing::info!(internal = %internal_addr, "started");
        }
        let finished = shutdown.finished().await;
        for closing in self.closings {
            closing.await;
        }
        Ok(finished?)
    }
}
