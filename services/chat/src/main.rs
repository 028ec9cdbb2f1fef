//! The chat service's binary: `serve` or `migrate`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use chat::Config;
use clap::Parser;
use runtime::{ConfigError, Process, TelemetryConfig};
use storage::{Mongo, MongoConfig};

/// Chat messages in rising sequence for each stream.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Make the indexes and serve
    Serve(Box<Config>),
    /// Make the indexes and stop
    Migrate {
        #[command(flatten)]
        telemetry: Box<TelemetryConfig>,
        #[command(flatten)]
        mongo: Box<MongoConfig>,
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
    runtime::boot("chat", async |command: Command, process: Process| match command {
        Command::Serve(config) => {
            let service = chat::build(*config).await?;
            chat::run(service, process.shutdown).await
        }
        Command::Migrate { mongo, .. } => {
            let migrating = async {
                let mongo = Mongo::connect(&mongo, "chat").await?;
                anyhow::Ok(chat::store::indexes::indexes_create(&mongo).await?)
            };
            process
                .shutdown
                .run_until_stopped(migrating)
                .await
                .context("interrupted")?
        }
    })
}
