//! `make run`: the whole platform on this machine, with data that stays.

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
use watch::{Step, Watch};

/// The file of the data folder that holds what each service is told.
const ENVIRONMENT: &str = "environment.json";

/// Starts everything, says where to look, starts again what ends, and stops everything in order at Ctrl-C or
/// SIGTERM.
pub async fn run(config: RunConfig) -> Result<()> {
    let mut stop = StopSignals::new()?;
    let progress = Progress::printing();
    let folder = config.data_dir();
    place::passable_folder(&folder)?;
    let _lock = lock(&folder)?;
    let mut parts = tokio::select! {
        started = Parts::start(&config, &folder, progress) => started?,
        // What has been started already is killed as it is dropped.
        () = stop.next() => return Ok(()),
    };
    progress.step("Everything is ready");
    eprintln!("{}", welcome(&config, &folder));
    tokio::select! {
        ended = supervise(&mut parts, progress) => ended?,
        () = stop.next() => {}
    }
    progress.step("Stopping (once more Ctrl-C stops at once, without care)");
    tokio::select! {
        stopped = parts.stop(progress) => stopped?,
        () = stop.next() => return Err(anyhow!("stopped without care")),
    }
    progress.step("Everything has stopped");
    Ok(())
}

/// One platform for a folder: the servers would damage one another's data.
fn lock(folder: &Path) -> Result<File> {
    let lock = File::create(folder.join("lock"))?;
    let taken = lock.try_lock().map(|()| lock);
    taken.map_err(|_| {
        anyhow!(
            "{} is in use by another `make run`; AIRWAVE_DATA_DIR names another",
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
  RTMP server        {}   (the stream key comes from the API)
  Logs               {}
  Try it             make demo
  Stop               Ctrl-C; the data stays, `make clean-data` forgets it
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

/// Becomes the binary of a service with the environment that `make run` gave it, such as `auth admin grant
/// NAME`.
pub fn exec(config: &RunConfig, service: &str, arguments: &[OsString]) -> Result<()> {
    let path = config.data_dir().join(ENVIRONMENT);
    let text = std::fs::read(&path).context("`make run` has not run here yet")?;
    let mut all: HashMap<String, Vec<(String, String)>> = serde_json::from_slice(&text)?;
    let environment = all
        .remove(service)
        .with_context(|| format!("there is no service {service}"))?;
    let program = shared::program()?.with_file_name(service);
    let error = Command::new(program).args(arguments).envs(environment).exec();
    Err(error).with_context(|| format!("cannot run {service}"))
}

/// Looks after all processes for ever.
async fn supervise(parts: &mut Parts, progress: Progress) -> Result<()> {
    let mut watches: HashMap<String, Watch> = HashMap::new();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for (name, status, log) in parts.ended()? {
            let watch = watches.entry(name.clone()).or_default();
            match watch.ended(status) {
                Step::Tell(pause) => {
                    let next = format!("Starting it again in {} s", pause.as_secs());
                    progress.step(format!(
                        "{name} has ended ({status}). {next}. The end of its log:\n{log}"
                    ));
                }
                Step::GiveUp => {
                    progress.step(format!(
                        "{name} cannot work with its settings. The end of its log:\n{log}"
                    ));
                }
                Step::Wait => {}
                Step::Start => {
                    progress.step(format!("Starting {name} again"));
                    parts.again(&name).await?;
                    watch.started();
                }
            }
        }
    }
}
