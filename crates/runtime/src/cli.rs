//! The subcommands that all services with a database have.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use diesel_migrations::EmbeddedMigrations;
use storage::DatabaseConfig;

use crate::boot::Command;
use crate::config::{ConfigError, ServiceConfig, TelemetryConfig};
use crate::shutdown::Shutdown;

/// `serve` and `migrate`. A service with more subcommands has an enum of its own.
#[derive(Debug, clap::Parser)]
pub enum Cli<C: ServiceConfig, S: Args = DatabaseConfig> {
    /// Migrate the database and serve
    Serve(Box<C>),
    /// Migrate the database and exit
    Migrate(Box<MigrateConfig<S>>),
}

/// What `migrate` needs.
#[derive(Debug, Args)]
pub struct MigrateConfig<S: Args = DatabaseConfig> {
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    #[command(flatten)]
    pub database: S,
}

impl<C: ServiceConfig, S: Args> Command for Cli<C, S> {
    fn telemetry(&self) -> &TelemetryConfig {
        match self {
            Self::Serve(config) => &config.process().telemetry,
            Self::Migrate(config) => &config.telemetry,
        }
    }

    fn stop_grace(&self) -> Duration {
        match self {
            Self::Serve(config) => config.process().stop_grace(),
            Self::Migrate(_) => Duration::ZERO,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Serve(config) => config.check(),
            Self::Migrate(_) => Ok(()),
        }
    }
}

impl MigrateConfig<DatabaseConfig> {
    /// Migrates the database unless a stop signal comes first.
    ///
    /// # Errors
    /// An unreachable database, or a migration that fails.
    pub async fn migrate(
        &self,
        migrations: &'static [EmbeddedMigrations],
        shutdown: &Shutdown,
    ) -> anyhow::Result<()> {
        let migrating = storage::migrate(&self.database, migrations);
        Ok(shutdown
            .run_until_stopped(migrating)
            .await
            .context("interrupted")??)
    }
}
