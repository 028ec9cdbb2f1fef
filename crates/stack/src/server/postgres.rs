//! PostgreSQL 15 with its own cluster.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::child::{Child, Program};
use crate::place::{self, Account};
use crate::wait;

/// The role that owns all databases.
pub(crate) const ROLE: &str = "airwave";

pub(crate) struct Postgres<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) log: &'a Path,
    pub(crate) port: u16,
    pub(crate) password: &'a str,
    /// Off in tests: commits do not wait for the disk, and connecting needs no password, because debug builds
    /// take tens of milliseconds for a SCRAM handshake.
    pub(crate) durable: bool,
}

impl Postgres<'_> {
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres://{ROLE}:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    pub(crate) async fn start(&self) -> Result<Child> {
        let account = place::unprivileged()?;
        let home = match account {
            Some(account) => place::folder_for(account, self.folder)?,
            None => {
                place::private_folder(self.folder)?;
                self.folder.to_path_buf()
            }
        };
        if !home.join("data").exists() {
            self.create_cluster(&home, account).await?;
        }
        let mut child = self.program(&home, account)?.start()?;
        let url = self.url("postgres");
        wait::ready(&mut child, Duration::from_secs(60), async || ping(&url).await).await?;
        Ok(child)
    }

    /// Creates the cluster under a temporary name, because an interrupted initdb leaves an incomplete one.
    async fn create_cluster(&self, home: &Path, account: Option<Account>) -> Result<()> {
        let unfinished = home.join("data.new");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished)?;
        }
        let password = home.join("password");
        place::private_file(&password, self.password)?;
        if let Some(account) = account {
            std::os::unix::fs::chown(&password, Some(account.uid), Some(account.gid))?;
        }
        let created = Program::new("initdb", place::program("initdb")?, self.log)
            .args(["--username", ROLE, "--encoding", "UTF8", "--locale", "C.UTF-8"])
            .args(["--auth", if self.durable { "scram-sha-256" } else { "trust" }])
            .args(if self.durable { &[][..] } else { &["--no-sync"][..] })
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(&unfinished)
            .account(account)
            .folder(home)
            .run(Duration::from_secs(120))
            .await;
        std::fs::remove_file(&password)?;
        created?;
        std::fs::rename(unfinished, home.join("data")).context("cannot rename the new cluster")
    }

    fn program(&self, home: &Path, account: Option<Account>) -> Result<Program> {
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            // No Unix socket: its path could be too long, and all clients use TCP.
            "unix_socket_directories=".to_owned(),
            "max_connections=400".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "log_min_duration_statement=500".to_owned(),
        ];
        let fast = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"].map(str::to_owned);
        let fast = if self.durable { &[][..] } else { &fast[..] };
        let program = Program::new("postgres", place::program("postgres")?, self.log)
            .arg("-D")
            .arg(home.join("data"))
            .args(
                settings
                    .iter()
                    .chain(fast)
                    .flat_map(|setting| ["-c".to_owned(), setting.clone()]),
            )
            .account(account)
            .folder(home)
            // A "fast shutdown", which does not wait for clients to disconnect.
            .stop_signal(Signal::SIGINT);
        Ok(program)
    }
}

async fn ping(url: &str) -> Result<()> {
    crate::sql::execute(url, "SELECT 1").await
}
