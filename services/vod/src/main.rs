//! The VOD service's binary: `serve`, `work` or `migrate`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use runtime::{ConfigError, Process, TelemetryConfig};
use storage::DatabaseConfig;
use vod::MIGRATIONS;
use vod::config::{CommonConfig, Config, ServeConfig, WorkConfig};

/// Recordings become videos on demand.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Migrate the database and serve; with --work also process the recordings of a node
    Serve {
        #[command(flatten)]
        common: Box<CommonConfig>,
        #[command(flatten)]
        serve: Box<ServeConfig>,
        /// Also process the recordings of this media node, whose disk is here
        #[arg(long = "work", value_name = "NODE", env = "AIRWAVE_VOD_WORK_NODE")]
        node: Option<String>,
        #[command(flatten)]
        work: Box<WorkConfig>,
    },
    /// Process the recordings of a media node, beside its disk
    Work {
        #[command(flatten)]
        common: Box<CommonConfig>,
        /// The media node's name
        #[arg(long, env = "AIRWAVE_VOD_NODE")]
        node: String,
        #[command(flatten)]
        work: Box<WorkConfig>,
    },
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
            Self::Serve { common, .. } | Self::Work { common, .. } => &common.process.telemetry,
            Self::Migrate { telemetry, .. } => telemetry,
        }
    }

    fn stop_grace(&self) -> Duration {
        match self {
            Self::Serve { common, .. } | Self::Work { common, .. } => common.process.stop_grace(),
            Self::Migrate { .. } => Duration::from_secs(1),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Serve {
                common, node, work, ..
            } => {
                common.check()?;
                node.as_deref().map_or(Ok(()), |node| work.check(node))
            }
            Self::Work { common, node, work } => {
                common.check()?;
                work.check(node)
            }
            Self::Migrate { .. } => Ok(()),
        }
    }
}

fn main() -> ExitCode {
    runtime::boot("vod", async |command: Command, process: Process| {
        let config = match command {
            Command::Serve {
                common,
                serve,
                node,
                work,
            } => Config {
                common: *common,
                serve: Some(*serve),
                work: node.map(|node| (node, *work)),
            },
            Command::Work { common, node, work } => Config {
                common: *common,
                serve: None,
                work: Some((node, *work)),
            },
            Command::Migrate { database, .. } => {
                let migrating = storage::migrate(&database, MIGRATIONS);
                return Ok(process
                    .shutdown
                    .run_until_stopped(migrating)
                    .await
                    .context("interrupted")??);
            }
        };
        vod::run(vod::build(config).await?, process.shutdown).await
    })
}
