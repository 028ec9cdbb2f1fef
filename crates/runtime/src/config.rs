//! The settings that all processes share, and what is wrong with one.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use bus::BusConfig;
use http::Uri;
use identity::{ServiceSecretConfig, check_secret};
use secrecy::SecretString;
use storage::DatabaseConfig;

/// What a deployment is for. Production refuses what is convenient in development.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Environment {
    /// Accepts example secrets and plain-HTTP buckets.
    Development,
    /// Refuses both.
    Production,
}

impl Environment {
    #[must_use]
    pub fn is_production(self) -> bool {
        self == Self::Production
    }
}

/// A setting that is missing or impossible. The process prints it as one line and exits with code 78.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ConfigError {
    variable: String,
    problem: String,
}

impl ConfigError {
    /// A variable and its problem, such as `is missing`. The problem must not contain the value of a secret.
    pub fn new(variable: impl Into<String>, problem: impl ToString) -> Self {
        Self {
            variable: variable.into(),
            problem: problem.to_string(),
        }
    }
}

impl From<bucket::InvalidBucket> for ConfigError {
    fn from(invalid: bucket::InvalidBucket) -> Self {
        Self::new(invalid.variable, invalid.problem)
    }
}

/// The configuration of a `serve` command.
pub trait ServiceConfig: clap::Args {
    fn process(&self) -> &ProcessConfig;

    /// Checks the rules that span several settings, such as that production has no example secrets.
    ///
    /// # Errors
    /// The first setting that breaks a rule.
    fn check(&self) -> Result<(), ConfigError> {
        self.process().check()
    }
}

/// Logs and traces.
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryConfig {
    /// What the deployment is for; production refuses example secrets and plain-HTTP buckets
    #[arg(long, env = "AIRWAVE_ENV", value_enum, default_value_t = Environment::Production)]
    pub env: Environment,
    /// Log level, or levels by crate such as `info,bus=debug`
    #[arg(long, env = "AIRWAVE_LOG", default_value = "info")]
    pub log: tracing_subscriber::filter::Targets,
    /// OTLP collector (gRPC) for traces, such as http://localhost:4317; no traces are sent when absent
    #[arg(long, env = "AIRWAVE_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<Uri>,
    /// Share of new traces that are recorded, 0 to 1
    #[arg(long, env = "AIRWAVE_TRACE_SAMPLE_RATIO", default_value_t = 1.0, value_parser = ratio)]
    pub trace_sample_ratio: f64,
}

/// What every long-running process needs.
#[derive(Debug, Clone, clap::Args)]
pub struct ProcessConfig {
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// Address of the internal HTTP listener: /healthz, /readyz, /metrics
    #[arg(long, env = "AIRWAVE_INTERNAL_ADDR")]
    pub internal_addr: SocketAddr,
    /// Seconds that work in progress may take after a stop signal, 1 to 300
    #[arg(long, env = "AIRWAVE_STOP_GRACE_SECONDS", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..=300))]
    pub stop_grace_seconds: u64,
    #[command(flatten)]
    pub service_secret: ServiceSecretConfig,
}

/// Where a service answers gRPC.
#[derive(Debug, Clone, clap::Args)]
pub struct GrpcConfig {
    /// Address of the gRPC listener
    #[arg(long, env = "AIRWAVE_GRPC_ADDR")]
    pub grpc_addr: SocketAddr,
}

/// What a service that answers gRPC and exchanges events needs.
#[derive(Debug, Clone, clap::Args)]
pub struct CommonConfig {
    #[command(flatten)]
    pub process: ProcessConfig,
    #[command(flatten)]
    pub grpc: GrpcConfig,
    #[command(flatten)]
    pub bus: BusConfig,
}

/// The configuration of a service with a database and no settings of its own.
#[derive(Debug, Clone, clap::Args)]
pub struct BasicConfig {
    #[command(flatten)]
    pub common: CommonConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// gRPC address of the auth service, such as http://auth:7001
    #[arg(long, env = "AIRWAVE_AUTH_URL")]
    pub auth_url: PeerUrl,
}

impl ServiceConfig for BasicConfig {
    fn process(&self) -> &ProcessConfig {
        &self.common.process
    }
}

impl BasicConfig {
    /// Any free ports.
    #[must_use]
    pub fn for_testing(database: DatabaseConfig, bus: BusConfig, auth: SocketAddr) -> Self {
        Self {
            common: CommonConfig::for_testing(bus),
            database,
            auth_url: auth.into(),
        }
    }
}

/// The service secret that all tests share.
pub const TEST_SERVICE_SECRET: &str = "example-service-secret-of-the-tests";

/// Any free port of this machine, for tests.
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
    /// Any free port, a grace of 5 s, and the service secret that all tests share.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            telemetry: TelemetryConfig::for_testing(),
            internal_addr: ANY_PORT,
            stop_grace_seconds: 5,
            service_secret: ServiceSecretConfig {
                service_secret: SecretString::from(TEST_SERVICE_SECRET),
                service_secret_previous: None,
            },
        }
    }

    #[must_use]
    pub fn stop_grace(&self) -> Duration {
        Duration::from_secs(self.stop_grace_seconds)
    }

    /// Whether example secrets and plain-HTTP buckets must be refused.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.telemetry.env.is_production()
    }

    /// Checks the service secret and its predecessor.
    ///
    /// # Errors
    /// A secret that is too short, or an example secret in production.
    pub fn check(&self) -> Result<(), ConfigError> {
        let ServiceSecretConfig {
            service_secret,
            service_secret_previous,
        } = &self.service_secret;
        self.check_secret("AIRWAVE_SERVICE_SECRET", service_secret)?;
        match service_secret_previous {
            Some(previous) => self.check_secret("AIRWAVE_SERVICE_SECRET_PREVIOUS", previous),
            None => Ok(()),
        }
    }

    /// Checks one more secret under the same rules.
    ///
    /// # Errors
    /// A secret that is too short, or an example secret in production.
    pub fn check_secret(&self, variable: &str, secret: &SecretString) -> Result<(), ConfigError> {
        check_secret(secret, self.is_production()).map_err(|problem| ConfigError::new(variable, problem))
    }
}

impl GrpcConfig {
    /// Any free port.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { grpc_addr: ANY_PORT }
    }
}

impl CommonConfig {
    /// Any free ports, the given broker.
    #[must_use]
    pub fn for_testing(bus: BusConfig) -> Self {
        Self {
            process: ProcessConfig::for_testing(),
            grpc: GrpcConfig::for_testing(),
            bus,
        }
    }
}

/// The gRPC address of another service: `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerUrl(Uri);

impl PeerUrl {
    #[must_use]
    pub fn uri(&self) -> Uri {
        self.0.clone()
    }
}

impl FromStr for PeerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| "must be http://host:port")?;
        let plain = uri.path() == "/" && uri.query().is_none();
        if uri.scheme_str() == Some("http") && uri.authority().is_some() && plain {
            Ok(Self(uri))
        } else {
            Err("must be http://host:port")
        }
    }
}

impl From<SocketAddr> for PeerUrl {
    fn from(address: SocketAddr) -> Self {
        let uri = Uri::builder()
            .scheme("http")
            .authority(address.to_string())
            .path_and_query("/");
        // A socket address is always a valid authority.
        Self(uri.build().unwrap_or_default())
    }
}

impl fmt::Display for PeerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    let ratio: f64 = text.parse().map_err(|_| "must be a number from 0 to 1")?;
    if (0.0..=1.0).contains(&ratio) {
        Ok(ratio)
    } else {
        Err("must be 0 to 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_service_secrets_are_checked() {
        let mut config = ProcessConfig::for_testing();
        assert_eq!(config.check(), Ok(()));
        config.service_secret.service_secret_previous = Some(SecretString::from("short"));
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "AIRWAVE_SERVICE_SECRET_PREVIOUS must have at least 32 bytes"
        );
        config.service_secret.service_secret_previous = None;
        config.telemetry.env = Environment::Production;
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .starts_with("AIRWAVE_SERVICE_SECRET is an example")
        );
    }

    #[test]
    fn peer_url_is_http_with_host() {
        for good in ["http://auth:7001", "http://127.0.0.1:7001/", "http://[::1]:7001"] {
            assert!(good.parse::<PeerUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "auth:7001",
            "https://auth:7001",
            "http://",
            "http://auth:7001/path",
            "http://auth?x=1",
        ] {
            assert!(bad.parse::<PeerUrl>().is_err(), "{bad}");
        }
        let address: SocketAddr = "[::1]:7001".parse().unwrap();
        assert_eq!(PeerUrl::from(address).to_string(), "http://[::1]:7001/");
    }
}
