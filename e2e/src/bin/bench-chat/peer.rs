//! Plain socket.io over the same MongoDB.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use stack::{Platform, Service};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::crowd::Host;

/// Starts the peer, which knows the platform's tokens; it ends with the child.
pub(crate) async fn start(platform: &Platform) -> Result<(Host, Child)> {
    let environment = platform.wiring().environment(Service::Auth);
    let key = environment
        .into_iter()
        .find(|(name, _)| name == "AIRWAVE_AUTH_SIGNING_KEY");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/socketio");
    let mut process = Command::new("node")
        .current_dir(folder)
        .arg("server.mjs")
        .env("NODE_ENV", "production")
        .env("SIGNING_KEY", key.context("no key")?.1)
        .env("MONGODB_URL", platform.mongodb_url())
        .env("MONGODB_DATABASE", platform.mongodb_database())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run node")?;
    let printed = process.stdout.take().context("no output")?;
    let port = BufReader::new(printed).lines().next_line().await?;
    let port = port.context("the peer ended: `make bench-chat` installs it")?;
    let host = Host {
        address: format!("127.0.0.1:{port}"),
        room: 1,
        pids: process.id().into_iter().collect(),
    };
    Ok((host, process))
}
