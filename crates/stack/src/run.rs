//! `make run`: the whole platform on this machine, with persistent data.

mod config;
mod parts;
mod watch;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::signal::unix::{SignalKind, signal};

use crate::progress::Progress;
use crate::{place, shared};

pub use config::RunConfig;
use parts::Parts;
use watch::{RestartPolicy, RestartStep};

/// The file in the data folder with each service's environment.
const ENVIRONMENT: &str = "environment.json";

/// Starts everything, prints the addresses, restarts processes that end, and stops everything in order on
/// Ctrl-C or SIGTERM.
pub async fn run(config: RunConfig) -> Result<()> {
    let mut stop = StopSignals::new()?;
    let progress = Progress::printing();
    let folder = config.data_dir();
    place::passable_folder(&folder)?;
    let _lock = lock(&folder)?;
    let mut parts = tokio::select! {
        started = Parts::start(&config, &folder, progress) => started?,
        // Processes that have already started are killed on drop.
        () = stop.next() => return Ok(()),
    };
    progress.step("Everything is ready");
    eprintln!("{}", welcome(&config, &folder));
    tokio::select! {
        ended = supervise(&mut parts, progress) => ended?,
        () = stop.next() => {}
    }
    progress.step("Stopping (press Ctrl-C again to kill everything)");
    tokio::select! {
        stopped = parts.stop(progress) => stopped?,
        () = stop.next() => return Err(anyhow!("killed before everything had stopped")),
    }
    progress.step("Stopped");
    Ok(())
}

/// Locks the data folder: two platforms would corrupt each other's data.
fn lock(folder: &Path) -> Result<File> {
    let lock = File::create(folder.join("lock"))?;
    let taken = lock.try_lock().map(|()| lock);
    taken.map_err(|_| {
        anyhow!(
            "{} is in use by another `make run`; choose another folder with AIRWAVE_DATA_DIR",
            folder.display()
        )
    })
}

fn welcome(config: &RunConfig, folder: &Path) -> String {
    let origin = config.origin();
    format!(
        "
  Page               {origin}/
  API                {origin}/api
  API documentation  {origin}/docs
  RTMP server        {}   (get the stream key from the page or the API)
  Logs               {}
  Try it             make demo
  Stop               Ctrl-C (keeps the data; `make clean-data` deletes it)
",
        config.rtmp_url(),
        folder.join("logs").display(),
    )
}

struct StopSignals([tokio::signal::unix::Signal; 3]);

impl StopSignals {
    fn new() -> Result<Self> {
        let [interrupt, terminate, hangup] = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        Ok(Self([signal(interrupt)?, signal(terminate)?, signal(hangup)?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Replaces this process by a service's binary with the environment of `make run`, such as `auth admin grant
/// NAME`.
pub fn exec(config: &RunConfig, service: &str, arguments: &[OsString]) -> Result<()> {
    let path = config.data_dir().join(ENVIRONMENT);
    let text = std::fs::read(&path).context("no environment found: start `make run` first")?;
    let mut all: HashMap<String, Vec<(String, String)>> = serde_json::from_slice(&text)?;
    let environment = all
        .remove(service)
        .with_context(|| format!("unknown service {service}"))?;
    let program = shared::program()?.with_file_name(service);
    let error = Command::new(program).args(arguments).envs(environment).exec();
    Err(error).with_context(|| format!("cannot run {service}"))
}

/// Restarts processes that end, with a growing delay.
async fn supervise(parts: &mut Parts, progress: Progress) -> Result<()> {
    let mut policies: HashMap<String, RestartPolicy> = HashMap::new();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for (name, status, log) in parts.exited()? {
            let policy = policies.entry(name.clone()).or_default();
            match policy.exited(status) {
                RestartStep::Schedule(delay) => {
                    let next = format!("Restarting it in {} s", delay.as_secs());
                    progress.step(format!(
                        "{name} ended ({status}). {next}. Last lines of its log:\n{log}"
                    ));
                }
                RestartStep::GiveUp => {
                    progress.step(format!(
                        "{name} has invalid settings and is not restarted. Last lines of its log:\n{log}"
                    ));
                }
                RestartStep::Wait => {}
                RestartStep::Restart => {
                    progress.step(format!("Restarting {name}"));
                    parts.restart(&name).await?;
                    policy.restarted();
                }
            }
        }
    }
}
