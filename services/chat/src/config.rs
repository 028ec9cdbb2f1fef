//! Settings, from arguments and environment.

use std::net::SocketAddr;
use std::time::Duration;

use identity::{ServiceSecretConfig, check_secret};
use primitives::Rate;
use runtime::{ConfigError, GrpcConfig, ProcessConfig};
use secrecy::SecretString;
use storage::{MongoConfig, RedisConfig};
use tonic::transport::Uri;

/// All settings of this service.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Logs, traces, the internal port.
    #[command(flatten)]
    pub process: ProcessConfig,
    /// The gRPC port.
    #[command(flatten)]
    pub grpc: GrpcConfig,
    /// The secret of the service tokens.
    #[command(flatten)]
    pub service_secret: ServiceSecretConfig,
    /// Messages.
    #[command(flatten)]
    pub mongo: MongoConfig,
    /// Rates.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// RabbitMQ.
    #[command(flatten)]
    pub bus: bus::BusConfig,
    /// gRPC address of the auth service, such as http://auth:7001
    #[arg(long, env = "AIRWAVE_AUTH_URL")]
    pub auth_url: Uri,
    /// gRPC address of the stream service, such as http://stream:7002
    #[arg(long, env = "AIRWAVE_STREAM_URL")]
    pub stream_url: Uri,
    /// Messages that one user may send at once, 1 to 1000
    #[arg(long, env = "AIRWAVE_CHAT_RATE_BURST", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub chat_rate_burst: u32,
    /// Seconds in which that many messages are earned again, 1 to 3600
    #[arg(long, env = "AIRWAVE_CHAT_RATE_SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub chat_rate_seconds: u64,
}

impl Config {
    /// The rules that span several settings.
    ///
    /// # Errors
    /// The setting that breaks one.
    pub fn check(&self) -> Result<(), ConfigError> {
        let production = self.process.telemetry.env.is_production();
        let secrets = [
            (
                "AIRWAVE_SERVICE_SECRET",
                Some(&self.service_secret.service_secret),
            ),
            (
                "AIRWAVE_SERVICE_SECRET_PREVIOUS",
                self.service_secret.service_secret_previous.as_ref(),
            ),
        ];
        for (name, secret) in secrets {
            if let Some(secret) = secret {
                check_secret(secret, production).map_err(|problem| ConfigError::new(name, problem))?;
            }
        }
        for (name, url) in [
            ("AIRWAVE_AUTH_URL", &self.auth_url),
            ("AIRWAVE_STREAM_URL", &self.stream_url),
        ] {
            if url.scheme_str() != Some("http") || url.authority().is_none() {
                return Err(ConfigError::new(name, "must be http://host:port"));
            }
        }
        Ok(())
    }

    /// How often one user may speak.
    #[must_use]
    pub fn rate(&self) -> Rate {
        Rate {
            burst: self.chat_rate_burst,
            window: Duration::from_secs(self.chat_rate_seconds),
        }
    }

    /// Settings for tests: given servers, any free ports.
    #[must_use]
    pub fn for_testing(servers: TestServers) -> Self {
        Self {
            process: ProcessConfig::for_testing(),
            grpc: GrpcConfig::for_testing(),
            service_secret: ServiceSecretConfig {
                service_secret: SecretString::from(TEST_SECRET),
                service_secret_previous: None,
            },
            mongo: MongoConfig::new(servers.mongodb_url, servers.mongodb_database),
            redis: RedisConfig::new(servers.redis_url, servers.redis_prefix),
            bus: bus::BusConfig::new(servers.amqp_url),
            auth_url: url(servers.peers),
            stream_url: url(servers.peers),
            chat_rate_burst: 5,
            chat_rate_seconds: 5,
        }
    }
}

/// The service secret of tests.
pub const TEST_SECRET: &str = "example-service-secret-of-the-tests";

/// What a test has made for itself.
#[derive(Debug, Clone)]
pub struct TestServers {
    /// MongoDB.
    pub mongodb_url: String,
    /// A database that no other test has.
    pub mongodb_database: String,
    /// Redis.
    pub redis_url: String,
    /// A prefix that no other test has.
    pub redis_prefix: String,
    /// A virtual host.
    pub amqp_url: String,
    /// Where somebody plays the auth and the stream service.
    pub peers: SocketAddr,
}

fn url(address: SocketAddr) -> Uri {
    Uri::builder()
        .scheme("http")
        .authority(address.to_string())
        .path_and_query("/")
        .build()
        .unwrap_or_default()
}
