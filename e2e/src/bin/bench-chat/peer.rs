//! The peer: plain socket.io with the same MongoDB.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use e2e::process::printed_address;
use stack::{Platform, Service};
use tokio::process::{Child, Command};

use crate::crowd::Host;

/// Starts the peer, which accepts the platform's tokens; dropping the child ends it.
pub(crate) async fn start(platform: &Platform) -> Result<(Host, Child)> {
    let key = platform
        .wiring()
        .variable(Service::Auth, "AIRWAVE_AUTH_SIGNING_KEY")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/socketio");
    let mut process = Command::new("node")
        .current_dir(folder)
        .arg("server.mjs")
        .env("NODE_ENV", "production")
        .env("SIGNING_KEY", key)
        .env("MONGODB_URL", platform.mongodb_url())
        .env("MONGODB_DATABASE", platform.mongodb_database())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run node")?;
    let host = Host {
        address: printed_address(&mut process).await?,
        rooms: vec![1],
        watched: true,
        pids: process.id().into_iter().collect(),
    };
    Ok((host, process))
}
