//! Settings from arguments and the environment.

use std::net::SocketAddr;

use identity::{ServiceSecretConfig, check_secret};
use runtime::{ConfigError, GrpcConfig, ProcessConfig};
use secrecy::SecretString;
use storage::{DatabaseConfig, RedisConfig};
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
    /// The database `notification`.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// The server of the job queue.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// RabbitMQ.
    #[command(flatten)]
    pub bus: bus::BusConfig,
    /// gRPC address of the auth service, such as http://auth:7001
    #[arg(long, env = "AIRWAVE_AUTH_URL")]
    pub auth_url: Uri,
    #[command(flatten)]
    pub jobs: JobsConfig,
    /// Days to keep notifications, 1 to 3650
    #[arg(long, env = "AIRWAVE_NOTIFICATION_RETENTION_DAYS", default_value_t = 90,
          value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub notification_retention_days: u16,
}

/// The settings of fan-outs and their jobs.
#[derive(Debug, Clone, clap::Args)]
pub struct JobsConfig {
    /// BullMQ key prefix of the job queue; deployments that share a Redis need different ones
    #[arg(long, env = "AIRWAVE_QUEUE_PREFIX", default_value = "bull", value_parser = prefix)]
    pub queue_prefix: String,
    /// Followers in one page of a fan-out, 1 to 1000
    #[arg(long, env = "AIRWAVE_FANOUT_PAGE_SIZE", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub fanout_page_size: u32,
    /// Jobs that one process runs at once, 1 to 64
    #[arg(long, env = "AIRWAVE_JOB_CONCURRENCY", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub job_concurrency: u16,
    /// Hours after which an unfinished fan-out is abandoned, 1 to 168
    #[arg(long, env = "AIRWAVE_FANOUT_GIVE_UP_HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(u16).range(1..=168))]
    pub fanout_give_up_hours: u16,
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
        match self.auth_url.authority() {
            Some(_) if self.auth_url.scheme_str() == Some("http") => Ok(()),
            _ => Err(ConfigError::new("AIRWAVE_AUTH_URL", "must be http://host:port")),
        }
    }

    /// Settings for tests: given servers, any free ports, a queue of its own.
    #[must_use]
    pub fn for_testing(servers: TestServers) -> Self {
        Self {
            process: ProcessConfig::for_testing(),
            grpc: GrpcConfig::for_testing(),
            service_secret: ServiceSecretConfig {
                service_secret: SecretString::from(TEST_SECRET),
                service_secret_previous: None,
            },
            database: DatabaseConfig::new(servers.database_url),
            redis: RedisConfig::new(servers.redis_url, servers.redis_prefix.clone()),
            bus: bus::BusConfig::new(servers.amqp_url),
            auth_url: Uri::builder()
                .scheme("http")
                .authority(servers.auth.to_string())
                .path_and_query("/")
                .build()
                .unwrap_or_default(),
            jobs: JobsConfig {
                queue_prefix: servers.redis_prefix,
                fanout_page_size: 1000,
                job_concurrency: 4,
                fanout_give_up_hours: 24,
            },
            notification_retention_days: 90,
        }
    }
}

/// The service secret of tests.
pub const TEST_SECRET: &str = "example-service-secret-of-the-tests";

/// The servers of one test.
#[derive(Debug, Clone)]
pub struct TestServers {
    /// A migrated database.
    pub database_url: String,
    /// Redis.
    pub redis_url: String,
    /// Unique to the test.
    pub redis_prefix: String,
    /// The URL of its own virtual host.
    pub amqp_url: String,
    /// A fake auth service.
    pub auth: SocketAddr,
}

/// BullMQ appends a colon to the prefix, so it may not contain one.
fn prefix(text: &str) -> Result<String, String> {
    let fits =
        !text.is_empty() && text.len() <= 100 && !text.contains(|c: char| c == ':' || c.is_whitespace());
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 100 characters without colons or whitespace".to_owned())
    }
}
