//! The stream service's binary: `serve` or `migrate`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use runtime::{ConfigError, Process, TelemetryConfig};
use storage::DatabaseConfig;
use stream::{Config, MIGRATIONS};

/// Streams, broadcasts, stream keys, the media nodes' hooks, and viewers.
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
        "stream",
        async |command: Command, process: Process| match command {
            Command::Serve(config) => {
                let service = stream::build(*config).await?;
                stream::run(service, process.shutdown).await
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
