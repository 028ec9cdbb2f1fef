//! Settings from arguments and the environment.

use std::net::SocketAddr;

use runtime::{CommonConfig, PeerUrl, ProcessConfig, ServiceConfig};
use storage::{DatabaseConfig, RedisConfig};

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// The server of the job queue.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// gRPC address of the auth service, such as http://auth:7001
    #[arg(long, env = "AIRWAVE_AUTH_URL")]
    pub auth_url: PeerUrl,
    #[command(flatten)]
    pub jobs: JobsConfig,
    /// Days to keep notifications, 1 to 3650
    #[arg(long, env = "AIRWAVE_NOTIFICATION_RETENTION_DAYS", default_value_t = 90,
          value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub notification_retention_days: u16,
}

impl ServiceConfig for Config {
    fn process(&self) -> &ProcessConfig {
        &self.common.process
    }
}

/// Fan-outs and their jobs.
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
    /// Any free ports, and a queue with the prefix of Redis.
    #[must_use]
    pub fn for_testing(
        database: DatabaseConfig,
        redis: RedisConfig,
        bus: bus::BusConfig,
        auth: SocketAddr,
    ) -> Self {
        Self {
            common: CommonConfig::for_testing(bus),
            database,
            auth_url: auth.into(),
            jobs: JobsConfig {
                queue_prefix: redis.redis_prefix.clone(),
                fanout_page_size: 1000,
                job_concurrency: 4,
                fanout_give_up_hours: 24,
            },
            redis,
            notification_retention_days: 90,
        }
    }
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
