//! The gateway's process.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gateway::Config;
use primitives::Clock;
use runtime::{Command, ConfigError, TelemetryConfig, boot};

/// REST and Socket.IO for browsers and API clients.
#[derive(Parser)]
#[command(name = "gateway", version)]
enum Cli {
    /// Answers REST and Socket.IO
    Serve(Box<Config>),
}

impl Command for Cli {
    fn telemetry(&self) -> &TelemetryConfig {
        let Self::Serve(config) = self;
        &config.process.telemetry
    }

    fn stop_grace(&self) -> Duration {
        let Self::Serve(config) = self;
        config.process.stop_grace()
    }

    fn check(&self) -> Result<(), ConfigError> {
        let Self::Serve(config) = self;
        config.check()
    }
}

fn main() -> ExitCode {
    boot("gateway", async |Cli::Serve(config): Cli, process| {
        let app = gateway::build(*config, Clock::system(), process.shutdown).await?;
        app.run().await
    })
}
