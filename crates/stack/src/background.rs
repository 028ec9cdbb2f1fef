//! Two ways to run servers for tests: for the duration of one command, or in the background until idle.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::progress::Progress;
use crate::servers::{Servers, ServersConfig};
use crate::shared::{Background, VARIABLE};
use crate::{place, shared, spawner, wait};

/// How often the background stack checks whether it is in use.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Starts servers in a temporary folder, runs the command, stops the servers, and returns the command's exit
/// status.
pub async fn around(command: &[OsString]) -> Result<ExitStatus> {
    let progress = Progress::printing();
    let folder = temporary_folder()?;
    progress.step("Starting the servers for the tests");
    let config = ServersConfig::for_tests(&folder, shared::program()?)?;
    let servers = Servers::start(config, progress).await;
    let ended = match servers {
        Ok(servers) => {
            let ended = run(command, &servers, &folder).await;
            progress.step("Stopping the servers");
            servers.stop().await.and(ended)
        }
        Err(error) => Err(error),
    };
    place::forget(&folder)?;
    ended
}

fn temporary_folder() -> Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix("airwave-").tempdir()?.keep();
    place::passable_folder(&folder)?;
    Ok(folder)
}

async fn run(command: &[OsString], servers: &Servers, folder: &std::path::Path) -> Result<ExitStatus> {
    let description = folder.join("stack.json");
    place::private_file(&description, &serde_json::to_string_pretty(servers.stack())?)?;
    let (program, args) = command.split_first().context("no command to run")?;
    // The kernel stops the command when this process dies; see `child::Program`.
    let mut tested = Command::new("setpriv");
    tested
        .args(["--pdeathsig", "TERM", "--"])
        .arg(program)
        .args(args)
        .env(VARIABLE, &description);
    let mut tested = spawner::spawn(tested).context("cannot run the command")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            ended = tested.wait() => return Ok(ended?),
            // The terminal has interrupted the command as well.
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                if let Some(pid) = tested.id() {
                    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
                }
            }
        }
    }
}

/// Runs the background stack of this checkout until SIGTERM, or until it has not been used for `idle`.
pub async fn serve(idle: Duration) -> Result<()> {
    let background = Background::of_checkout();
    // Only one runs at a time. A process that checks for it takes the lock briefly, hence no `try_lock`.
    let alive = background.alive()?;
    alive.lock()?;
    place::private_file(&background.pid_file(), &std::process::id().to_string())?;
    place::forget(&background.data())?;
    let config = ServersConfig::for_tests(background.data(), shared::program()?)?;
    let mut servers = Servers::start(config, Progress::printing()).await?;
    let description = background.description();
    let unfinished = description.with_extension("new");
    place::private_file(&unfinished, &serde_json::to_string_pretty(servers.stack())?)?;
    std::fs::rename(&unfinished, &description)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = tokio::select! {
        _ = terminate.recv() => Ok(None),
        ended = unused(&background, idle, &mut servers) => ended.map(Some),
    };
    // Removed before the servers stop. `unused` has locked the users' file, so that no process starts to use
    // the stack until this one has ended.
    std::fs::remove_file(&description)?;
    servers.stop().await?;
    place::forget(&background.data())?;
    ended.map(drop)
}

/// Waits until no process has used the stack for `idle`, and returns the exclusive users' lock.
async fn unused(background: &Background, idle: Duration, servers: &mut Servers) -> Result<std::fs::File> {
    let mut used = Instant::now();
    loop {
        servers.must_run()?;
        let users = background.users()?;
        if users.try_lock().is_err() {
            used = Instant::now();
        } else if used.elapsed() >= idle {
            return Ok(users);
        }
        drop(users);
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Stops the background stack of this checkout, if it runs, and waits for its end.
pub async fn stop() -> Result<()> {
    let background = Background::of_checkout();
    if !background.is_alive()? {
        return Ok(());
    }
    let pid = std::fs::read_to_string(background.pid_file())?;
    kill(Pid::from_raw(pid.trim().parse()?), Signal::SIGTERM).context("cannot stop the background stack")?;
    let gone = wait::eventually(
        Duration::from_secs(60),
        "the background stack to end",
        async || background.is_alive().is_ok_and(|alive| !alive),
    );
    gone.await
}
