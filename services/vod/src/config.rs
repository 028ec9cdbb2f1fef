//! The settings, from arguments and environment.

use std::path::PathBuf;
use std::time::Duration;

use bucket::BucketConfig;
use bus::BusConfig;
use chrono::TimeDelta;
use primitives::NodeName;
use runtime::{ConfigError, GrpcConfig, PeerUrl, ProcessConfig};
use storage::{DatabaseConfig, RedisConfig};

use crate::domain::JobPolicy;

/// What every kind of process of this service needs.
#[derive(Debug, Clone, clap::Args)]
pub struct AppConfig {
    /// Logs, traces, health.
    #[command(flatten)]
    pub process: ProcessConfig,
    /// PostgreSQL.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// The bucket.
    #[command(flatten)]
    pub bucket: BucketConfig,
    /// gRPC address of the stream service.
    #[arg(long, env = "AIRWAVE_STREAM_URL")]
    pub stream_url: PeerUrl,
    /// Hours that a presigned URL lives, 2 to 168.
    #[arg(long, env = "AIRWAVE_VOD_URL_HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(2..=168))]
    pub url_hours: u64,
}

/// What answering calls and hearing events needs besides.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeConfig {
    /// The gRPC listener.
    #[command(flatten)]
    pub grpc: GrpcConfig,
    /// Redis, for the view cooldown.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// The bus.
    #[command(flatten)]
    pub bus: BusConfig,
    /// gRPC address of the auth service.
    #[arg(long, env = "AIRWAVE_AUTH_URL")]
    pub auth_url: PeerUrl,
    /// Milliseconds between two rounds of the periodic tasks.
    #[arg(long, env = "AIRWAVE_VOD_CLOCK_MILLISECONDS", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(10..))]
    pub clock_milliseconds: u64,
    /// Bytes of an uploaded video at most.
    #[arg(long, env = "AIRWAVE_VOD_UPLOAD_MAX_BYTES", default_value_t = 2_147_483_648, value_parser = clap::value_parser!(u64).range(1..=1_099_511_627_776))]
    pub upload_max_bytes: u64,
    /// Uploads at once in one process, 1 to 64; each takes up to 85 MiB.
    #[arg(long, env = "AIRWAVE_VOD_UPLOADS", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub uploads: u16,
}

/// What turning the recordings of a node into VODs needs besides.
#[derive(Debug, Clone, clap::Args)]
pub struct WorkConfig {
    /// Directory into which the node's nginx writes recordings.
    #[arg(long = "recordings-dir", env = "AIRWAVE_VOD_RECORDINGS_DIR")]
    pub recordings_dir: Option<PathBuf>,
    /// Directory for unfinished results; `.work` in the recordings directory unless set.
    #[arg(long = "work-dir", env = "AIRWAVE_VOD_WORK_DIR")]
    pub work_dir: Option<PathBuf>,
    /// Recordings processed concurrently, 1 to 16. Each takes about a core while it is transcoded, and 50 MiB
    /// while it is uploaded.
    #[arg(long, env = "AIRWAVE_VOD_WORKERS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub workers: u16,
    /// Seconds between checks of the recordings directory.
    #[arg(long, env = "AIRWAVE_VOD_SWEEP_SECONDS", default_value_t = 15.0, value_parser = positive_seconds)]
    pub sweep_seconds: f64,
    /// Seconds without growth after which a file counts as closed.
    #[arg(long, env = "AIRWAVE_VOD_SETTLE_SECONDS", default_value_t = 1.5, value_parser = positive_seconds)]
    pub settle_seconds: f64,
    /// Seconds after which an empty file, as rejected publishes leave it, is removed.
    #[arg(long, env = "AIRWAVE_VOD_EMPTY_SECONDS", default_value_t = 60.0, value_parser = positive_seconds)]
    pub empty_seconds: f64,
    /// Seconds after which a worker that does not renew its lease loses its job.
    #[arg(long, env = "AIRWAVE_VOD_LEASE_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(i64).range(1..=3600))]
    pub lease_seconds: i64,
    /// Attempts before a recording fails. With the default delays, 12 attempts take about two hours.
    #[arg(long, env = "AIRWAVE_VOD_MAX_ATTEMPTS", default_value_t = 12, value_parser = clap::value_parser!(i32).range(1..=100))]
    pub max_attempts: i32,
    /// Seconds before the second attempt. The delay doubles with each attempt, up to half an hour.
    #[arg(long, env = "AIRWAVE_VOD_RETRY_SECONDS", default_value_t = 5.0, value_parser = positive_seconds)]
    pub retry_seconds: f64,
}

/// One process: `serve`, `work`, or both.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every kind of process needs.
    pub common: AppConfig,
    /// Serves calls and consumes events.
    pub serve: Option<ServeConfig>,
    /// Turns the recordings of this node into VODs.
    pub work: Option<(String, WorkConfig)>,
}

impl AppConfig {
    /// How long a presigned URL is valid.
    #[must_use]
    pub fn url_life(&self) -> Duration {
        Duration::from_secs(self.url_hours * 3600)
    }

    /// Checks rules that span several settings.
    ///
    /// # Errors
    /// The setting that breaks a rule.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.process.check()?;
        Ok(self.bucket.check(self.process.is_production())?)
    }
}

impl WorkConfig {
    /// Checks the recordings directory and the name of the node.
    ///
    /// # Errors
    /// The setting that is missing or invalid.
    pub fn check(&self, node: &str) -> Result<(), ConfigError> {
        if self.recordings_dir.is_none() {
            return Err(ConfigError::new("AIRWAVE_VOD_RECORDINGS_DIR", "is missing"));
        }
        match node.parse::<NodeName>() {
            Ok(_) => Ok(()),
            Err(invalid) => Err(ConfigError::new("AIRWAVE_VOD_NODE", invalid)),
        }
    }

    #[must_use]
    pub fn job_policy(&self) -> JobPolicy {
        JobPolicy {
            lease: TimeDelta::seconds(self.lease_seconds),
            max_attempts: self.max_attempts,
            first_delay: TimeDelta::from_std(seconds(self.retry_seconds)).unwrap_or(TimeDelta::seconds(5)),
            max_delay: TimeDelta::minutes(30),
        }
    }

    /// Time between checks of the recordings directory.
    #[must_use]
    pub fn sweep(&self) -> Duration {
        seconds(self.sweep_seconds)
    }

    /// A file that has not grown for this long is closed.
    #[must_use]
    pub fn settle(&self) -> Duration {
        seconds(self.settle_seconds)
    }

    /// An empty file is removed after this time.
    #[must_use]
    pub fn empty(&self) -> Duration {
        seconds(self.empty_seconds)
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1))
}

fn positive_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    let possible = (0.01..=86_400.0).contains(&seconds);
    if possible {
        Ok(seconds)
    } else {
        Err("must be 0.01 to 86400 seconds".to_owned())
    }
}
