//! The notification service's binary: `serve` or `migrate`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use notification::{Config, MIGRATIONS};
use runtime::{ConfigError, Process, TelemetryConfig};
use storage::DatabaseConfig;

/// Fan-outs to followers, and each user's notifications.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Migrate the database and serve
    Serve(Box<Config>),
    /// Migrate the database and stop
    Migrate {
        #[command(flatten)]
        telemetry: Box<TelemetryConfig>,
        #[command(flatten)]
        database: Box<DatabaseConfig>,
    },
}

impl runtime::Command for Command {
    fn telemetry(&self) -> &TelemetryConfig {
        match self {
            Self::Serve(config) => &config.process.telemetry,
            Self::Migrate { telemetry, .. } => telemetry,
        }
    }

    fn stop_grace(&self) -> Duration {
        match self {
            Self::Serve(config) => config.process.stop_grace(),
            Self::Migrate { .. } => Duration::from_secs(1),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Serve(config) => config.check(),
            Self::Migrate { .. } => Ok(()),
        }
    }
}

fn main() -> ExitCode {
    runtime::boot(
        "notification",
        async |command: Command, process: Process| match command {
            Command::Serve(config) => {
                let service = notification::build(*config).await?;
                notification::run(service, process.shutdown).await
            }
            Command::Migrate { database, .. } => {
                let migrating = storage::migrate(&database, MIGRATIONS);
                Ok(process
                    .shutdown
                    .run_until_stopped(migrating)
                    .await
                    .context("interrupted")??)
            }
        },
    )
}
