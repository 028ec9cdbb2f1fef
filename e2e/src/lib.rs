//! Clients for tests and benchmarks of the whole platform: the REST API, the official Socket.IO clients for
//! JavaScript and Python, and players in a real browser.

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

/// Returns the command of a Node.js script in `e2e/js`, without arguments.
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

/// Returns the command of a program from the Python packages that `make test` installs for a folder of `e2e`;
/// it runs there.
#[must_use]
pub fn python(folder: &str, program: &str) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut command = Command::new(folder.join(".venv/bin").join(program));
    command.current_dir(folder).kill_on_drop(true);
    command
}
