//! The settings of the stream service, from the environment.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bucket::BucketConfig;
use primitives::NodeName;
use runtime::{CommonConfig, ConfigError, PeerUrl, ProcessConfig, ServiceConfig};
use secrecy::SecretString;
use storage::{DatabaseConfig, RedisConfig};
use url::Url;

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// Viewer leases.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// The bucket of the thumbnails.
    #[command(flatten)]
    pub bucket: BucketConfig,
    /// gRPC address of the auth service, such as http://auth:7001
    #[arg(long, env = "AIRWAVE_AUTH_URL")]
    pub auth_url: PeerUrl,
    /// Address of the listener for the media nodes' hooks
    #[arg(long, env = "AIRWAVE_STREAM_HOOKS_ADDR")]
    pub stream_hooks_addr: SocketAddr,
    /// Secret that the hooks of every media node carry (at least 32 bytes)
    #[arg(long, env = "AIRWAVE_STREAM_HOOK_SECRET", hide_env_values = true)]
    pub stream_hook_secret: SecretString,
    /// Key that hashes and encrypts stream secrets (at least 32 bytes); changing it invalidates all stream
    /// keys
    #[arg(long, env = "AIRWAVE_STREAM_KEY_SECRET", hide_env_values = true)]
    pub stream_key_secret: SecretString,
    /// Comma-separated media nodes: NAME=CONTROL|PUBLIC, where CONTROL is the internal base URL of /stat and
    /// /control, and PUBLIC the public base URL of /hls and /dash, such as
    /// `main=http://media:8082|https://live.example.org`
    #[arg(
        long,
        env = "AIRWAVE_STREAM_MEDIA_NODES",
        value_delimiter = ',',
        required = true
    )]
    pub stream_media_nodes: Vec<NodeAddress>,
    /// URL for the server field of encoders, such as rtmp://live.example.org:1935/live
    #[arg(long, env = "AIRWAVE_STREAM_RTMP_URL", value_parser = rtmp_url)]
    pub stream_rtmp_url: String,
    /// Seconds that a broadcast outlives its last publish, 0 to 300
    #[arg(long, env = "AIRWAVE_STREAM_RECONNECT_GRACE_SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(0..=300))]
    pub stream_reconnect_grace_seconds: u16,
    /// Seconds that a media node may be unreachable before its broadcasts end, 10 to 3600
    #[arg(long, env = "AIRWAVE_STREAM_NODE_SILENCE_SECONDS", default_value_t = 45,
          value_parser = clap::value_parser!(u16).range(10..=3600))]
    pub stream_node_silence_seconds: u16,
    /// Folder of the recordings, if it is on this machine; its free space is checked before a publish
    #[arg(long, env = "AIRWAVE_STREAM_RECORDINGS_DIR")]
    pub stream_recordings_dir: Option<PathBuf>,
    /// Free bytes that a publish requires in that folder
    #[arg(long, env = "AIRWAVE_STREAM_MIN_FREE_BYTES", default_value_t = 1 << 30)]
    pub stream_min_free_bytes: u64,
}

impl ServiceConfig for Config {
    fn process(&self) -> &ProcessConfig {
        &self.common.process
    }

    fn check(&self) -> Result<(), ConfigError> {
        let process = self.process();
        process.check()?;
        process.check_secret("AIRWAVE_STREAM_HOOK_SECRET", &self.stream_hook_secret)?;
        process.check_secret("AIRWAVE_STREAM_KEY_SECRET", &self.stream_key_secret)?;
        let mut names: Vec<_> = self.stream_media_nodes.iter().map(|node| &node.name).collect();
        names.sort();
        names.dedup();
        if names.len() < self.stream_media_nodes.len() {
            let problem = "names a node twice";
            return Err(ConfigError::new("AIRWAVE_STREAM_MEDIA_NODES", problem));
        }
        Ok(self.bucket.check(process.is_production())?)
    }
}

impl Config {
    /// Returns the reconnect grace.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.stream_reconnect_grace_seconds.into())
    }

    /// Returns settings for tests: free ports, fixed secrets, and no media nodes.
    #[must_use]
    pub fn for_testing(
        database: DatabaseConfig,
        redis: RedisConfig,
        bus: bus::BusConfig,
        bucket: BucketConfig,
    ) -> Self {
        const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self {
            common: CommonConfig::for_testing(bus),
            database,
            redis,
            bucket,
            auth_url: ANY_PORT.into(),
            stream_hooks_addr: ANY_PORT,
            stream_hook_secret: SecretString::from("development-hook-secret-of-a-test"),
            stream_key_secret: SecretString::from("development-stream-key-of-a-test"),
            stream_media_nodes: Vec::new(),
            stream_rtmp_url: "rtmp://127.0.0.1:1935/live".to_owned(),
            stream_reconnect_grace_seconds: 2,
            stream_node_silence_seconds: 45,
            stream_recordings_dir: None,
            stream_min_free_bytes: 0,
        }
    }
}

/// One media node: `NAME=CONTROL|PUBLIC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress {
    pub name: NodeName,
    /// Internal base URL of `/stat` and `/control`.
    pub control: Url,
    /// Public base URL of `/hls` and `/dash`.
    pub public: Url,
}

impl FromStr for NodeAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || {
            "must be NAME=CONTROL|PUBLIC, such as main=http://media:8082|https://live.example.org".to_owned()
        };
        let (name, urls) = text.trim().split_once('=').ok_or_else(shape)?;
        let (control, public) = urls.split_once('|').ok_or_else(shape)?;
        Ok(Self {
            name: name.parse().map_err(|error| format!("the node's name {error}"))?,
            control: base_url(control)?,
            public: base_url(public)?,
        })
    }
}

fn base_url(text: &str) -> Result<Url, String> {
    let url: Url = text
        .trim_end_matches('/')
        .parse()
        .map_err(|_| format!("{text} is not a URL"))?;
    let plain = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if plain {
        Ok(url)
    } else {
        Err(format!("{text} is not a plain http or https URL"))
    }
}

fn rtmp_url(text: &str) -> Result<String, String> {
    let plain =
        (text.starts_with("rtmp://") || text.starts_with("rtmps://")) && !text.contains(['?', '#', ' ']);
    if plain {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("must be a URL such as rtmp://host:1935/live".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_address_has_a_name_and_two_urls() {
        let node: NodeAddress = "main=http://127.0.0.1:8082|http://localhost:8080/"
            .parse()
            .unwrap();
        assert_eq!(node.name.as_str(), "main");
        assert_eq!(node.control.as_str(), "http://127.0.0.1:8082/");
        assert_eq!(node.public.as_str(), "http://localhost:8080/");
        for bad in [
            "",
            "main",
            "main=http://a",
            "=http://a|http://b",
            "a/b=http://a|http://b",
            "main=x|y",
            "main=ftp://a|http://b",
        ] {
            assert!(bad.parse::<NodeAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn errors_name_the_invalid_setting() {
        let good = || {
            Config::for_testing(
                DatabaseConfig::new("postgres://db/stream"),
                RedisConfig::new("redis://redis", "test"),
                bus::BusConfig::new("amqp://rabbitmq/airwave"),
                BucketConfig::for_testing("http://127.0.0.1:1".parse().unwrap()),
            )
        };
        assert!(good().check().is_ok());
        let short = Config {
            stream_key_secret: SecretString::from("short"),
            ..good()
        };
        assert_eq!(
            short.check().unwrap_err().to_string(),
            "AIRWAVE_STREAM_KEY_SECRET must have at least 32 bytes"
        );
        let mut previous = good();
        previous.common.process.service_secret.service_secret_previous = Some(SecretString::from("short"));
        assert_eq!(
            previous.check().unwrap_err().to_string(),
            "AIRWAVE_SERVICE_SECRET_PREVIOUS must have at least 32 bytes"
        );
        let node: NodeAddress = "main=http://a|http://b".parse().unwrap();
        let twice = Config {
            stream_media_nodes: vec![node.clone(), node],
            ..good()
        };
        assert!(twice.check().unwrap_err().to_string().contains("twice"));
        let mut production = good();
        production.common.process.telemetry.env = runtime::Environment::Production;
        assert!(production.check().unwrap_err().to_string().contains("example"));
    }
}
