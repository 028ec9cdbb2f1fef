//! The edge: nginx, which gives the page, the API, sockets and media one origin.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::child::Child;
use crate::port::Port;
use crate::{nginx, place};

const TEMPLATE: &str = include_str!("../../../deploy/nginx/edge.conf.template");

/// The settings of an edge. Every target is a `host:port`.
#[derive(Debug)]
pub struct EdgeConfig {
    /// Contains its configuration and logs.
    pub folder: PathBuf,
    /// The address that it listens on.
    pub listen: IpAddr,
    /// The port that it listens on.
    pub port: Port,
    /// The gateway's REST listener.
    pub rest: String,
    /// The gateway's socket listener.
    pub sockets: String,
    /// The media node's listener for viewers.
    pub media: String,
}

/// A running edge; dropping it kills it.
#[derive(Debug)]
pub struct Edge {
    nginx: Child,
    port: Port,
    folder: PathBuf,
}

impl Edge {
    /// Starts nginx and waits until it accepts connections. Its targets need not run yet.
    pub async fn start(config: EdgeConfig) -> Result<Self> {
        place::private_folder(&config.folder)?;
        let values = [
            (
                "EDGE_LISTEN",
                format!("{}:{}", config.listen, config.port.number()),
            ),
            ("GATEWAY_REST", config.rest),
            ("GATEWAY_SOCKETS", config.sockets),
            ("MEDIA_NODE", config.media),
            ("BODY_LIMIT", "2100m".to_owned()),
            ("FOLDER", nginx::path(&config.folder)),
        ];
        let started = nginx::start("edge", &config.folder, TEMPLATE, &values, &config.port.address()).await;
        Ok(Self {
            nginx: started.context("cannot start the edge")?,
            port: config.port,
            folder: config.folder,
        })
    }

    /// Returns the origin, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Returns the folder of configuration and logs.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Returns the process, for supervision.
    pub fn process(&mut self) -> &mut Child {
        &mut self.nginx
    }

    pub async fn stop(mut self) -> Result<()> {
        self.nginx.stop(Duration::from_secs(10)).await
    }
}
