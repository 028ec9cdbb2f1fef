//! The gateway's binary.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gateway::Config;
use runtime::{Command, ConfigError, ServiceConfig, TelemetryConfig, boot};

#[derive(Parser)]
enum Cli {
    /// Answer REST and Socket.IO
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
    let about = "REST and Socket.IO for browsers and API clients";
    boot(
        "gateway",
        about,
        async |Cli::Serve(config): Cli, clock, shutdown| {
            gateway::run(gateway::build(*config, clock).await?, shutdown).await
        },
    )
}
