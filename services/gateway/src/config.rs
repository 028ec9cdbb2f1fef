//! The settings of the gateway, from the environment.

mod socket;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bus::BusConfig;
use primitives::Rate;
use runtime::{ConfigError, PeerUrl, ProcessConfig, ServiceConfig};
use storage::RedisConfig;

use crate::domain::address::Network;
use crate::domain::limits::Limits;

pub use socket::SocketConfig;

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub process: ProcessConfig,
    #[command(flatten)]
    pub bus: BusConfig,
    /// Counts requests across all gateways.
    #[command(flatten)]
    pub redis: RedisConfig,
    #[command(flatten)]
    pub limits: LimitsConfig,
    #[command(flatten)]
    pub peers: PeersConfig,
    #[command(flatten)]
    pub public: PublicConfig,
    #[command(flatten)]
    pub socket: SocketConfig,
}

/// The gRPC addresses of the other services.
#[derive(Debug, Clone, clap::Args)]
pub struct PeersConfig {
    /// The auth service, such as http://localhost:7001
    #[arg(long, env = "AIRWAVE_AUTH_URL")]
    pub auth_url: PeerUrl,
    /// The stream service
    #[arg(long, env = "AIRWAVE_STREAM_URL")]
    pub stream_url: PeerUrl,
    /// The VOD service
    #[arg(long, env = "AIRWAVE_VOD_URL")]
    pub vod_url: PeerUrl,
    /// The chat service
    #[arg(long, env = "AIRWAVE_CHAT_URL")]
    pub chat_url: PeerUrl,
    /// The notification service
    #[arg(long, env = "AIRWAVE_NOTIFICATION_URL")]
    pub notification_url: PeerUrl,
    /// Milliseconds that a request may wait for other services
    #[arg(long, env = "AIRWAVE_GATEWAY_CALL_TIMEOUT_MS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(100..=30_000))]
    pub gateway_call_timeout_ms: u64,
}

/// The two public listeners.
#[derive(Debug, Clone, clap::Args)]
pub struct PublicConfig {
    /// Address of the REST listener, which also serves the web client
    #[arg(long, env = "AIRWAVE_GATEWAY_REST_ADDR")]
    pub gateway_rest_addr: SocketAddr,
    /// Address of the Socket.IO listener
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_ADDR")]
    pub gateway_socket_addr: SocketAddr,
    /// Path of Socket.IO; /app/socket.io is served as well
    #[arg(long, env = "AIRWAVE_GATEWAY_SOCKET_PATH", default_value = "/socket.io", value_parser = socket_path)]
    pub gateway_socket_path: String,
    /// Proxies whose X-Forwarded-For is trusted: addresses or ranges, separated by commas
    #[arg(
        long,
        env = "AIRWAVE_GATEWAY_TRUSTED_PROXIES",
        value_delimiter = ',',
        default_value = "127.0.0.1,::1"
    )]
    pub gateway_trusted_proxies: Vec<Network>,
    /// Other origins whose pages may call the API, separated by commas; if any is set, sockets from all
    /// others are refused
    #[arg(long, env = "AIRWAVE_GATEWAY_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub gateway_allowed_origins: Vec<String>,
    /// Directory of the built web client (web/dist); without it, only the API is served
    #[arg(long, env = "AIRWAVE_GATEWAY_WEB_DIR")]
    pub gateway_web_dir: Option<PathBuf>,
    /// Seconds that a client may take to send the body of a request
    #[arg(long, env = "AIRWAVE_GATEWAY_BODY_TIMEOUT_SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=600))]
    pub gateway_body_timeout_seconds: u64,
    /// Milliseconds for which an answer may be served to other guests; 0 disables the cache
    #[arg(long, env = "AIRWAVE_GATEWAY_ANSWER_AGE_MS", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub gateway_answer_age_ms: u64,
    /// Maximum number of connections per REST worker
    #[arg(long, env = "AIRWAVE_GATEWAY_REST_CONNECTIONS", default_value_t = 10_000)]
    pub gateway_rest_connections: usize,
}

/// Requests per minute, at once or spread out. A party is a user or, without a token, an IPv4 address or the
/// /64 of an IPv6 address.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitsConfig {
    /// Requests per minute to register, sign in or renew a session, from one address; 0 for no limit
    #[arg(long, env = "AIRWAVE_GATEWAY_SIGN_INS_PER_MINUTE", default_value_t = 60)]
    pub gateway_sign_ins_per_minute: u32,
    /// Video uploads per minute of one party; 0 for no limit
    #[arg(long, env = "AIRWAVE_GATEWAY_UPLOADS_PER_MINUTE", default_value_t = 10)]
    pub gateway_uploads_per_minute: u32,
    /// Other changes per minute of one party; 0 for no limit
    #[arg(long, env = "AIRWAVE_GATEWAY_WRITES_PER_MINUTE", default_value_t = 240)]
    pub gateway_writes_per_minute: u32,
    /// Reads per minute of one party; 0 for no limit
    #[arg(long, env = "AIRWAVE_GATEWAY_READS_PER_MINUTE", default_value_t = 3000)]
    pub gateway_reads_per_minute: u32,
}

impl ServiceConfig for Config {
    fn process(&self) -> &ProcessConfig {
        &self.process
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.process.check()?;
        if self.socket.drain() >= self.process.stop_grace() {
            let problem = "must be less than AIRWAVE_STOP_GRACE_SECONDS";
            return Err(ConfigError::new("AIRWAVE_GATEWAY_DRAIN_SECONDS", problem));
        }
        Ok(())
    }
}

impl Config {
    /// Listens on free ports of the loopback address. All services answer at `peer`.
    #[must_use]
    pub fn for_testing(bus: BusConfig, redis: RedisConfig, peer: &PeerUrl) -> Self {
        Self {
            process: ProcessConfig::for_testing(),
            bus,
            redis,
            limits: LimitsConfig::for_testing(),
            peers: PeersConfig::for_testing(peer),
            public: PublicConfig::for_testing(),
            socket: SocketConfig::for_testing(),
        }
    }
}

impl PeersConfig {
    #[must_use]
    pub fn for_testing(peer: &PeerUrl) -> Self {
        Self {
            auth_url: peer.clone(),
            stream_url: peer.clone(),
            vod_url: peer.clone(),
            chat_url: peer.clone(),
            notification_url: peer.clone(),
            gateway_call_timeout_ms: 5000,
        }
    }

    #[must_use]
    pub fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.gateway_call_timeout_ms)
    }
}

impl LimitsConfig {
    /// Disables all limits.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            gateway_sign_ins_per_minute: 0,
            gateway_uploads_per_minute: 0,
            gateway_writes_per_minute: 0,
            gateway_reads_per_minute: 0,
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            sign_ins: Rate::per_minute(self.gateway_sign_ins_per_minute),
            uploads: Rate::per_minute(self.gateway_uploads_per_minute),
            writes: Rate::per_minute(self.gateway_writes_per_minute),
            reads: Rate::per_minute(self.gateway_reads_per_minute),
        }
    }
}

impl PublicConfig {
    /// Listens on free ports and trusts the loopback address.
    #[must_use]
    pub fn for_testing() -> Self {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self {
            gateway_rest_addr: any,
            gateway_socket_addr: any,
            gateway_socket_path: "/socket.io".to_owned(),
            gateway_trusted_proxies: "127.0.0.1".parse().into_iter().collect(),
            gateway_allowed_origins: Vec::new(),
            gateway_web_dir: None,
            gateway_body_timeout_seconds: 2,
            gateway_answer_age_ms: 0,
            gateway_rest_connections: 1000,
        }
    }

    #[must_use]
    pub fn answer_age(&self) -> Duration {
        Duration::from_millis(self.gateway_answer_age_ms)
    }

    #[must_use]
    pub fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.gateway_body_timeout_seconds)
    }
}

fn socket_path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let plain = path
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
    if path.len() > 1 && path.starts_with('/') && plain {
        Ok(path.to_owned())
    } else {
        Err("must be a path such as /socket.io".to_owned())
    }
}
