//! A service that needs a database, gRPC and events, and no settings of its own. It declares its name, its
//! migrations and its parts.
//!
//! ```no_run
//! # use runtime::BasicService;
//! static SERVICE: BasicService = BasicService {
//!     name: identity::ServiceName::Notification,
//!     about: "Notifications",
//!     migrations: &[bus::MIGRATIONS],
//!     start: |parts, database| {
//!         parts.inbox(&database);
//!         Ok(())
//!     },
//! };
//!
//! fn main() -> std::process::ExitCode {
//!     SERVICE.boot()
//! }
//! ```

use std::process::ExitCode;

use diesel_migrations::EmbeddedMigrations;
use identity::ServiceName;
use primitives::Clock;
use storage::Database;

use crate::boot::boot;
use crate::chassis::{Chassis, Parts};
use crate::cli::Cli;
use crate::config::BasicConfig;
use crate::identity_sync::AuthPeer;
use crate::shutdown::Shutdown;

/// What a basic service declares.
pub struct BasicService {
    pub name: ServiceName,
    /// The first line of the command's help.
    pub about: &'static str,
    pub migrations: &'static [EmbeddedMigrations],
    /// Starts the parts, once the database is migrated.
    pub start: StartParts,
}

type StartParts = fn(&mut Parts, Database) -> anyhow::Result<()>;

/// A basic service with its ports bound. Nothing runs yet.
pub struct BoundService {
    pub chassis: Chassis,
    auth: AuthPeer,
    database: Database,
    start: StartParts,
}

impl BasicService {
    /// Runs `serve` or `migrate`; the whole of `main`. Exit codes are those of [`boot()`].
    pub fn boot(&'static self) -> ExitCode {
        let run = async |cli: Cli<BasicConfig>, clock, shutdown| match cli {
            Cli::Serve(config) => self.build(*config, clock).await?.run(shutdown).await,
            Cli::Migrate(config) => config.migrate(self.migrations, &shutdown).await,
        };
        boot(self.name.as_str(), self.about, run)
    }

    /// Binds the ports and creates all clients. No server needs to be available.
    ///
    /// # Errors
    /// A port that is taken, or a setting that cannot work.
    pub async fn build(&self, config: BasicConfig, clock: Clock) -> anyhow::Result<BoundService> {
        let mut chassis = Chassis::bind(self.name, &config.common, clock).await?;
        Ok(BoundService {
            auth: AuthPeer::new(chassis.process.peer(&config.auth_url)),
            database: chassis.process.database(&config.database, self.migrations)?,
            start: self.start,
            chassis,
        })
    }
}

impl BoundService {
    /// Runs until the stop.
    ///
    /// # Errors
    /// A migration or start that fails, or an essential task that ends.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Self {
            chassis,
            auth,
            database,
            start,
        } = self;
        chassis.run(auth, &shutdown, |parts| start(parts, database)).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus::BusConfig;
    use storage::DatabaseConfig;

    use super::*;

    static SERVICE: BasicService = BasicService {
        name: ServiceName::Vod,
        about: "A service without servers",
        migrations: &[],
        start: |_, _| Ok(()),
    };

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the test runs in real time")]
    async fn stops_while_its_servers_are_unreachable() {
        let bus = BusConfig::new("amqp://127.0.0.1:1/none");
        let database = DatabaseConfig::new("postgres://127.0.0.1:1/none");
        let auth = ([127, 0, 0, 1], 1).into();
        let config = BasicConfig::for_testing(database, bus, auth);
        let service = SERVICE.build(config, Clock::system()).await.unwrap();
        let health = service.chassis.process.health.clone();
        let shutdown = Shutdown::new(Duration::ZERO);
        let running = tokio::spawn(service.run(shutdown.clone()));
        assert!(!health.is_ready().await);
        shutdown.stop();
        running.await.unwrap().unwrap();
    }
}
