//! One stack for all tests.
//!
//! `airwave-stack test -- COMMAND` starts servers, names their description in `AIRWAVE_STACK` and stops them
//! after the command. Without that variable the first test process starts servers in the background, and they
//! end by themselves some minutes after the last test process has.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::OnceCell;

use crate::stack::Stack;
use crate::{child, place, wait};

/// Names the file that describes the running stack.
pub const VARIABLE: &str = "AIRWAVE_STACK";

static SHARED: OnceCell<Stack> = OnceCell::const_new();

/// Held, shared, by every process that uses the background stack; the stack ends when nobody holds it for a
/// while.
static IN_USE: OnceLock<File> = OnceLock::new();

/// Returns the stack of this test run; starts one when there is none.
pub async fn shared() -> Result<&'static Stack> {
    SHARED.get_or_try_init(find_or_start).await
}

async fn find_or_start() -> Result<Stack> {
    if let Some(file) = std::env::var_os(VARIABLE) {
        return read(Path::new(&file));
    }
    let background = Background::of_checkout();
    tokio::task::spawn_blocking(move || background.use_or_start())
        .await??
        .wait()
        .await
}

fn read(file: &Path) -> Result<Stack> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} does not describe a stack", file.display()))
}

/// The files by which test processes and the background stack find each other.
#[derive(Debug, Clone)]
pub struct Background {
    folder: PathBuf,
}

impl Background {
    /// Returns those of this checkout.
    #[must_use]
    pub fn of_checkout() -> Self {
        Self {
            folder: place::checkout().join(".airwave/test"),
        }
    }

    /// Returns the folder of the servers' data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Returns the file that describes the stack, there while it runs.
    #[must_use]
    pub fn description(&self) -> PathBuf {
        self.folder.join("stack.json")
    }

    /// Returns the file that holds the background process's id.
    #[must_use]
    pub fn pid_file(&self) -> PathBuf {
        self.folder.join("pid")
    }

    /// Opens the lock that the background process holds for itself while it runs.
    pub fn alive(&self) -> Result<File> {
        self.lock_file("alive.lock")
    }

    /// Tells whether the background process runs. Asks for a shared lock: two who ask at once do not take
    /// each other for it.
    pub fn is_alive(&self) -> Result<bool> {
        Ok(self.alive()?.try_lock_shared().is_err())
    }

    /// Opens the lock that users share.
    pub fn users(&self) -> Result<File> {
        self.lock_file("users.lock")
    }

    fn lock_file(&self, name: &str) -> Result<File> {
        place::passable_folder(&self.folder)?;
        let path = self.folder.join(name);
        File::create(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    /// Counts this process among the users, and starts the background process unless it runs.
    fn use_or_start(self) -> Result<Self> {
        let users = self.users()?;
        users.lock_shared()?;
        // Kept open, and so locked, until this process ends.
        let _ = IN_USE.set(users);
        // While we are a user it does not end by itself, so what is alive now stays so.
        if self.is_alive()? {
            return Ok(self);
        }
        // One process at a time looks again and starts.
        let starting = self.lock_file("start.lock")?;
        starting.lock()?;
        if !self.is_alive()? {
            self.start()?;
        }
        Ok(self)
    }

    fn start(&self) -> Result<()> {
        let program = build()?;
        // One that was killed has left its description behind.
        let _ = std::fs::remove_file(self.description());
        let log = File::create(self.folder.join("stack.log"))?;
        // `setsid`: out of the terminal's reach, so that Ctrl-C on one test run does not end the servers of
        // another.
        let mut command = Command::new("setsid");
        command
            .arg(program)
            .arg("up")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        command.spawn().context("cannot start the background stack")?;
        // It is alive from the moment at which it holds its lock, which it takes first thing.
        for _ in 0..500 {
            if self.is_alive()? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!(
            "the background stack did not start:\n{}",
            child::log_tail(&self.folder.join("stack.log"), 15)
        )
    }

    async fn wait(self) -> Result<Stack> {
        let ready = wait::eventually(Duration::from_secs(180), "the background stack", async || {
            if !self.is_alive()? {
                return Ok(Err("it ended"));
            }
            read(&self.description()).map(Ok)
        });
        match ready.await {
            Ok(Ok(stack)) => Ok(stack),
            Ok(Err(why)) => bail!("{why}:\n{}", child::log_tail(&self.folder.join("stack.log"), 15)),
            Err(late) => bail!("{late}:\n{}", child::log_tail(&self.folder.join("stack.log"), 15)),
        }
    }
}

/// Returns an `airwave-stack` of the present sources, and builds it for that if need be: `cargo test -p
/// SERVICE` builds this library alone. Not asking cargo when it is there already spares waiting for cargo's
/// lock.
fn build() -> Result<PathBuf> {
    if let Ok(program) = program()
        && is_fresh(&program).unwrap_or(false)
    {
        return Ok(program);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "stack", "--bin", "airwave-stack"]);
    let status = command
        .current_dir(place::checkout())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cannot build airwave-stack");
    program()
}

/// Tells whether no source of the program is newer than it.
fn is_fresh(program: &Path) -> Result<bool> {
    let built = program.metadata()?.modified()?;
    for folder in ["crates/stack/src", "deploy/nginx"] {
        for file in place::files_below(&place::checkout().join(folder)) {
            if file.metadata()?.modified()? > built {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Returns the `airwave-stack` that belongs to this process: itself, or the one built beside it.
pub fn program() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    if here.file_name().is_some_and(|name| name == "airwave-stack") {
        return Ok(here);
    }
    let built = here
        .ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join("airwave-stack"));
    built
        .into_iter()
        .find(|file| file.is_file())
        .context("airwave-stack has not been built beside this program")
}
