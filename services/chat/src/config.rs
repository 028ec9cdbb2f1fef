//! Settings from arguments and the environment.

use std::net::SocketAddr;
use std::time::Duration;

use primitives::Rate;
use runtime::{CommonConfig, PeerUrl, ProcessConfig, ServiceConfig};
use storage::{MongoConfig, RedisConfig};

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,
    #[command(flatten)]
    pub mongo: MongoConfig,
    /// Message rates.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// gRPC address of the auth service, such as http://auth:7001
    #[arg(long, env = "AIRWAVE_AUTH_URL")]
    pub auth_url: PeerUrl,
    /// gRPC address of the stream service, such as http://stream:7002
    #[arg(long, env = "AIRWAVE_STREAM_URL")]
    pub stream_url: PeerUrl,
    /// Messages that one user may send in a burst, 1 to 1000
    #[arg(long, env = "AIRWAVE_CHAT_RATE_BURST", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub chat_rate_burst: u32,
    /// Seconds in which an exhausted burst recovers, 1 to 3600
    #[arg(long, env = "AIRWAVE_CHAT_RATE_SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub chat_rate_seconds: u64,
}

impl ServiceConfig for Config {
    fn process(&self) -> &ProcessConfig {
        &self.common.process
    }
}

impl Config {
    /// The rate limit of one user.
    #[must_use]
    pub fn rate(&self) -> Rate {
        Rate {
            burst: self.chat_rate_burst,
            window: Duration::from_secs(self.chat_rate_seconds),
        }
    }

    /// Any free ports; `peers` serves both auth and stream.
    #[must_use]
    pub fn for_testing(
        mongo: MongoConfig,
        redis: RedisConfig,
        bus: bus::BusConfig,
        peers: SocketAddr,
    ) -> Self {
        Self {
            common: CommonConfig::for_testing(bus),
            mongo,
            redis,
            auth_url: peers.into(),
            stream_url: peers.into(),
            chat_rate_burst: 5,
            chat_rate_seconds: 5,
        }
    }
}
