//! Clients for tests and benches of the whole platform: the REST API as a user's program calls it, the official Socket.IO
//! client, and players in a real browser.

pub mod api;
pub mod browser;
pub mod inside;
pub mod process;
pub mod socket;

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

/// A Node script of `e2e/js`, ready to be given its arguments.
fn node(script: &str) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("js");
    let mut command = Command::new(std::env::var_os("AIRWAVE_NODE").unwrap_or_else(|| "node".into()));
    command
        .arg(folder.join(script))
        .current_dir(folder)
        .kill_on_drop(true)
        .stderr(Stdio::inherit());
    command
}
