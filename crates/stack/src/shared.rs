//! One stack for all tests.
//!
//! `airwave-stack test -- COMMAND` starts servers, passes the path of their description in `AIRWAVE_STACK` and
//! stops them after the command. Without that variable the first test process starts background servers, which
//! stop by themselves some minutes after the last test process has ended.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::OnceCell;

use crate::stack::Stack;
use crate::{child, place, wait};

/// The variable with the path of the file that describes the running stack.
pub const VARIABLE: &str = "AIRWAVE_STACK";

static SHARED: OnceCell<Stack> = OnceCell::const_new();

/// The shared lock of every process that uses the background stack, which stops when no process has had the
/// lock for a while.
static IN_USE: OnceLock<File> = OnceLock::new();

/// Returns the stack of this test run, and starts it if necessary.
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

/// The files through which test processes find the background stack.
#[derive(Debug, Clone)]
pub struct Background {
    folder: PathBuf,
}

impl Background {
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

    /// Returns the file that describes the stack. It exists while the stack runs.
    #[must_use]
    pub fn description(&self) -> PathBuf {
        self.folder.join("stack.json")
    }

    /// Returns the file with the background process's id.
    #[must_use]
    pub fn pid_file(&self) -> PathBuf {
        self.folder.join("pid")
    }

    /// Opens the file that the background process locks exclusively while it runs.
    pub fn alive(&self) -> Result<File> {
        self.lock_file("alive.lock")
    }

    /// Returns whether the background process runs. Tries a shared lock, so that two concurrent checks do not
    /// mistake each other for the background process.
    pub fn is_alive(&self) -> Result<bool> {
        Ok(self.alive()?.try_lock_shared().is_err())
    }

    /// Opens the file that users lock in shared mode.
    pub fn users(&self) -> Result<File> {
        self.lock_file("users.lock")
    }

    fn lock_file(&self, name: &str) -> Result<File> {
        place::passable_folder(&self.folder)?;
        let path = self.folder.join(name);
        File::create(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    /// Registers this process as a user, and starts the background process unless it runs.
    fn use_or_start(self) -> Result<Self> {
        let users = self.users()?;
        users.lock_shared()?;
        // Kept open, and so locked, until this process ends.
        let _ = IN_USE.set(users);
        // A running background process does not stop by itself while this process is a user.
        if self.is_alive()? {
            return Ok(self);
        }
        // Checked again under a lock, so that only one process starts it.
        let starting = self.lock_file("start.lock")?;
        starting.lock()?;
        if !self.is_alive()? {
            self.start()?;
        }
        Ok(self)
    }

    fn start(&self) -> Result<()> {
        let program = build()?;
        // A killed background process leaves its description behind.
        let _ = std::fs::remove_file(self.description());
        let log = File::create(self.folder.join("stack.log"))?;
        // `setsid` detaches it from the terminal, so that Ctrl-C in one test run does not stop the servers of
        // another.
        let mut command = Command::new("setsid");
        command
            .arg(program)
            .arg("up")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        command.spawn().context("cannot start the background stack")?;
        // It counts as running once it has its lock, which it takes first.
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

/// Returns an up-to-date `airwave-stack`, and builds it if necessary: `cargo test -p SERVICE` builds only this
/// library. If the program is up to date, cargo is not run, because it would wait for its lock.
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

/// Returns whether the program is newer than its sources.
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
