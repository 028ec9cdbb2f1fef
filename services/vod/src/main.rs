//! The VOD service's binary: `serve`, `work` or `migrate`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use runtime::{ConfigError, MigrateConfig, TelemetryConfig};
use vod::MIGRATIONS;
use vod::config::{AppConfig, Config, ServeConfig, WorkConfig};

#[derive(Parser)]
enum Command {
    /// Migrate the database and serve; with --work, also process the recordings of a media node
    Serve {
        #[command(flatten)]
        common: Box<AppConfig>,
        #[command(flatten)]
        serve: Box<ServeConfig>,
        /// Also process the recordings of this media node, whose disk is on this machine
        #[arg(long = "work", value_name = "NODE", env = "AIRWAVE_VOD_WORK_NODE")]
        node: Option<String>,
        #[command(flatten)]
        work: Box<WorkConfig>,
    },
    /// Process the recordings of a media node, on the machine that has its disk
    Work {
        #[command(flatten)]
        common: Box<AppConfig>,
        /// The media node's name
        #[arg(long, env = "AIRWAVE_VOD_NODE")]
        node: String,
        #[command(flatten)]
        work: Box<WorkConfig>,
    },
    /// Migrate the database and exit
    Migrate(Box<MigrateConfig>),
}

impl runtime::Command for Command {
    fn telemetry(&self) -> &TelemetryConfig {
        match self {
            Self::Serve { common, .. } | Self::Work { common, .. } => &common.process.telemetry,
            Self::Migrate(config) => &config.telemetry,
        }
    }

    fn stop_grace(&self) -> Duration {
        match self {
            Self::Serve { common, .. } | Self::Work { common, .. } => common.process.stop_grace(),
            Self::Migrate(_) => Duration::ZERO,
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
            Self::Migrate(_) => Ok(()),
        }
    }
}

fn main() -> ExitCode {
    let about = "Turns recordings and uploads into videos on demand";
    runtime::boot("vod", about, async |command: Command, clock, shutdown| {
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
            Command::Migrate(config) => return config.migrate(MIGRATIONS, &shutdown).await,
        };
        vod::run(vod::build(config, clock).await?, shutdown).await
    })
}
