//! The settings that all processes share, and what is wrong with one.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Where a deployment stands: what is convenient in development is refused in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Environment {
    /// Example secrets and plain-http buckets are good enough.
    Development,
    /// They are not.
    Production,
}

impl Environment {
    /// Whether example secrets must be refused.
    #[must_use]
    pub fn is_production(self) -> bool {
        self == Self::Production
    }
}

/// A setting that is missing or impossible: one line for the person who starts the process, and exit code 78.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ConfigError {
    variable: String,
    problem: String,
}

impl ConfigError {
    /// What is wrong with a variable, such as `is missing`; never with a secret's value in it.
    pub fn new(variable: impl Into<String>, problem: impl ToString) -> Self {
        Self {
            variable: variable.into(),
            problem: problem.to_string(),
        }
    }
}

/// Logs and traces.
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryConfig {
    /// Where the deployment stands; example secrets and plain-http buckets are refused in production
    #[arg(long, env = "AIRWAVE_ENV", value_enum, default_value_t = Environment::Production)]
    pub env: Environment,
    /// Which log lines are written: a level, or levels by crate such as `info,bus=debug`
    #[arg(long, env = "AIRWAVE_LOG", default_value = "info")]
    pub log: tracing_subscriber::filter::Targets,
    /// OTLP collector (gRPC) that traces are sent to, such as http://localhost:4317; none when absent
    #[arg(long, env = "AIRWAVE_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<http::Uri>,
    /// Share of new traces that are recorded, 0 to 1
    #[arg(long, env = "AIRWAVE_TRACE_SAMPLE_RATIO", default_value_t = 1.0, value_parser = ratio)]
    pub trace_sample_ratio: f64,
}

/// What a process that serves needs besides.
#[derive(Debug, Clone, clap::Args)]
pub struct ProcessConfig {
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// Address of the internal HTTP listener: /healthz, /readyz, /metrics
    #[arg(long, env = "AIRWAVE_INTERNAL_ADDR")]
    pub internal_addr: SocketAddr,
    /// Seconds that work in progress may take after a signal to stop, 1 to 300
    #[arg(long, env = "AIRWAVE_STOP_GRACE_SECONDS", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..=300))]
    pub stop_grace_seconds: u64,
}

/// Where a service answers gRPC.
#[derive(Debug, Clone, clap::Args)]
pub struct GrpcConfig {
    /// Address of the gRPC listener
    #[arg(long, env = "AIRWAVE_GRPC_ADDR")]
    pub grpc_addr: SocketAddr,
}

/// Any free port of this machine, which is what a test listens on.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl TelemetryConfig {
    /// Development, `info`, no collector.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            env: Environment::Development,
            log: tracing_subscriber::filter::Targets::new().with_default(tracing::Level::INFO),
            otlp_endpoint: None,
            trace_sample_ratio: 1.0,
        }
    }
}

impl ProcessConfig {
    /// Any free port, a short grace.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            telemetry: TelemetryConfig::for_testing(),
            internal_addr: ANY_PORT,
            stop_grace_seconds: 5,
        }
    }

    /// How long work in progress may take after a signal to stop.
    #[must_use]
    pub fn stop_grace(&self) -> Duration {
        Duration::from_secs(self.stop_grace_seconds)
    }
}

impl GrpcConfig {
    /// Any free port.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { grpc_addr: ANY_PORT }
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if (0.0..=1.0).contains(&ratio) {
        Ok(ratio)
    } else {
        Err("must be 0 to 1".to_owned())
    }
}
