use std::net::IpAddr;
use std::path::PathBuf;

use crate::place;

/// The settings of `make run`.
#[derive(Debug, Clone, clap::Args)]
pub struct RunConfig {
    /// Port of the page, the API, sockets and playback
    #[arg(long, env = "AIRWAVE_EDGE_PORT", default_value_t = 8080)]
    pub edge_port: u16,
    /// Port that encoders publish to
    #[arg(long, env = "AIRWAVE_RTMP_PORT", default_value_t = 1935)]
    pub rtmp_port: u16,
    /// First of about 30 consecutive internal ports
    #[arg(long, env = "AIRWAVE_PORT_BASE", default_value_t = 17_000)]
    pub port_base: u16,
    /// Folder of data, logs and secrets; `.airwave` of the checkout unless set
    #[arg(long, env = "AIRWAVE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address that the edge, RTMP and the bucket listen on; 0.0.0.0 allows other machines
    #[arg(long, env = "AIRWAVE_LISTEN", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Host name at which browsers and encoders reach this machine
    #[arg(long, env = "AIRWAVE_PUBLIC_HOST", default_value = "localhost")]
    pub public_host: String,
}

impl RunConfig {
    /// Returns the folder of data, logs and secrets.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir
            .clone()
            .unwrap_or_else(|| place::checkout().join(".airwave"))
    }

    /// Returns the origin that users open.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}:{}", self.public_host, self.edge_port)
    }

    /// Returns the RTMP server for the encoder's settings.
    ///
    /// Some encoders try only the first address of a host name. That of `localhost` is often IPv6, on which
    /// nothing listens.
    #[must_use]
    pub fn rtmp_url(&self) -> String {
        let host = if self.public_host == "localhost" {
            "127.0.0.1"
        } else {
            &self.public_host
        };
        format!("rtmp://{host}:{}/live", self.rtmp_port)
    }
}

/// Returns the caller's environment variables that apply to every service, such as a bucket, a log level or a
/// trace collector.
pub(super) fn overrides(environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    environment
        .filter(|(name, _)| name.starts_with("AIRWAVE_") && !NO_OVERRIDE.contains(&name.as_str()))
        .collect()
}

/// The settings of `make run` itself, and those that differ between processes.
const NO_OVERRIDE: &[&str] = &[
    "AIRWAVE_EDGE_PORT",
    "AIRWAVE_RTMP_PORT",
    "AIRWAVE_PORT_BASE",
    "AIRWAVE_DATA_DIR",
    "AIRWAVE_LISTEN",
    "AIRWAVE_PUBLIC_HOST",
    "AIRWAVE_DATABASE_URL",
    "AIRWAVE_GRPC_ADDR",
    "AIRWAVE_INTERNAL_ADDR",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_exclude_settings_of_single_processes() {
        let names = [
            "AIRWAVE_LOG",
            "AIRWAVE_BUCKET_ENDPOINT",
            "AIRWAVE_DATABASE_URL",
            "AIRWAVE_EDGE_PORT",
            "HOME",
        ];
        let passed = overrides(names.map(|name| (name.to_owned(), "x".to_owned())).into_iter());
        let passed: Vec<_> = passed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(passed, ["AIRWAVE_LOG", "AIRWAVE_BUCKET_ENDPOINT"]);
    }
}
