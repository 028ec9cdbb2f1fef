//! Clients for tests and benches of the whole platform: the REST API as a user's program calls it, the
//! official Socket.IO client and python-socketio, and players in a real browser.

pub mod api;
pub mod browser;
pub mod clients;
pub mod inside;
pub mod live;
pub mod process;
mod program;
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

/// A program of the Python packages that `make test` installs for a folder of `e2e`, to be run in that
/// folder.
#[must_use]
pub fn python(folder: &str, program: &str) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut command = Command::new(folder.join(".venv/bin").join(program));
    command.current_dir(folder).kill_on_drop(true);
    command
}
