//! Child processes in their own process groups, with log files. They never outlive the process that started
//! them.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

use crate::place::Account;
use crate::spawner;

/// A program to start: its arguments, environment, account and log.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    file: PathBuf,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
    folder: Option<PathBuf>,
    log: PathBuf,
    account: Option<Account>,
    stop: Signal,
}

impl Program {
    /// Describes a program. Messages use `name`, and the program's output goes to `log`.
    pub fn new(name: &str, file: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.to_owned(),
            file: file.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            log: log.into(),
            account: None,
            stop: Signal::SIGTERM,
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    #[must_use]
    pub fn args<I: IntoIterator<Item: Into<OsString>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable. The child inherits only `PATH`, `LANG`, `TMPDIR` and `HOME`.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub fn envs<N: Into<String>, V: Into<OsString>>(
        mut self,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.env
            .extend(vars.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Runs the program as another account, if given.
    #[must_use]
    pub fn account(mut self, account: Option<Account>) -> Self {
        self.account = account;
        self
    }

    /// Sets the signal that asks the program to stop; the default is SIGTERM.
    #[must_use]
    pub fn stop_signal(mut self, signal: Signal) -> Self {
        self.stop = signal;
        self
    }

    pub fn start(&self) -> Result<Child> {
        let child = spawner::spawn(self.command()?).with_context(|| format!("cannot start {}", self.name))?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        Ok(Child {
            program: self.clone(),
            child,
            group,
        })
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// If it fails, with the last lines of its log, or if it exceeds the deadline.
    pub async fn run(&self, deadline: Duration) -> Result<()> {
        let mut child = self.start()?;
        let ended = tokio::time::timeout(deadline, child.wait()).await;
        let status = ended.with_context(|| format!("{} took longer than {deadline:?}", self.name))??;
        ensure!(
            status.success(),
            "{} failed; the end of its log:\n{}",
            self.name,
            child.log_tail(15)
        );
        Ok(())
    }

    /// `setpriv` is part of every Debian and sets the signal that the kernel sends when the parent dies, so
    /// that not even `kill -9` of the stack leaves servers behind.
    fn command(&self) -> Result<Command> {
        let (out, err) = open_log(&self.log)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", self.stop.as_str().trim_start_matches("SIG"), "--"]);
        command.arg(&self.file).args(&self.args).env_clear();
        for name in ["PATH", "LANG", "TMPDIR", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if let Some(account) = &self.account {
            command
                .uid(account.uid)
                .gid(account.gid)
                .env("HOME", "/nonexistent");
        }
        Ok(command)
    }
}

fn open_log(path: &Path) -> Result<(File, File)> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let log = OpenOptions::new().create(true).append(true).open(path);
    let log = log.with_context(|| format!("cannot write the log {}", path.display()))?;
    Ok((log.try_clone()?, log))
}

/// A running child process; dropping it kills its whole process group.
#[derive(Debug)]
pub struct Child {
    program: Program,
    child: tokio::process::Child,
    /// The process group, until it has been killed.
    group: Option<Pid>,
}

impl Child {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Returns the process id, or `None` once the process has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns the exit status if the process has ended.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        if status.is_some() {
            self.kill_group();
        }
        Ok(status)
    }

    /// Waits for the end of the process.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.kill_group();
        Ok(status)
    }

    /// Sends a signal to the process alone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self
            .running()
            .with_context(|| format!("{} has ended", self.name()))?;
        kill(pid, signal).with_context(|| format!("cannot signal {}", self.name()))
    }

    /// Asks the process to stop, waits, and kills its group when it has not stopped by the deadline.
    pub async fn stop(&mut self, deadline: Duration) -> Result<()> {
        if let Some(pid) = self.running() {
            // It may end in the meantime, which the wait below notices.
            let _ = kill(pid, self.program.stop);
        }
        if tokio::time::timeout(deadline, self.wait()).await.is_err() {
            tracing::warn!(
                name = self.name(),
                ?deadline,
                "process did not stop in time, killing it"
            );
            self.kill().await?;
        }
        Ok(())
    }

    /// Kills the process group at once.
    pub async fn kill(&mut self) -> Result<()> {
        self.kill_group();
        self.child.wait().await?;
        Ok(())
    }

    /// Kills the rest of the group: the workers of a killed nginx, for example, keep its ports open. Only
    /// once, because the group id may be reused later.
    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    /// Returns the process id unless the process has ended.
    fn running(&self) -> Option<Pid> {
        self.child.id().and(self.group)
    }

    /// Starts the same program again after its process has ended.
    pub fn again(&mut self) -> Result<()> {
        *self = self.program.start()?;
        Ok(())
    }

    /// Fails with the end of the log if the process has ended.
    pub fn must_run(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => {
                bail!(
                    "{} ended ({status}); the end of its log:\n{}",
                    self.name(),
                    self.log_tail(15)
                )
            }
        }
    }

    /// Returns the last lines of the log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        log_tail(&self.program.log, lines)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Returns the last lines of a text file, indented. A missing file counts as empty.
#[must_use]
pub fn log_tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.into_iter()
        .skip(from)
        .map(|line| format!("    {line}\n"))
        .collect()
}
