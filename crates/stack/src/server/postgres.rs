//! PostgreSQL 15 with its own cluster.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::child::{Child, Program};
use crate::place::{self, Account};
use crate::wait;

/// The role that owns everything in the cluster.
pub(crate) const ROLE: &str = "airwave";

pub(crate) struct Postgres<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) log: &'a Path,
    pub(crate) port: u16,
    pub(crate) password: &'a str,
    /// Off in tests: then commits do not wait for the disk, and passwords are not asked for (a debug build
    /// takes tens of milliseconds to answer a SCRAM challenge).
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
            self.make_cluster(&home, account).await?;
        }
        let mut child = self.program(&home, account)?.start()?;
        let url = self.url("postgres");
        wait::ready(&mut child, Duration::from_secs(60), async || ping(&url).await).await?;
        Ok(child)
    }

    /// Made under another name first: an interrupted initdb leaves half a cluster behind.
    async fn make_cluster(&self, home: &Path, account: Option<Account>) -> Result<()> {
        let unfinished = home.join("data.new");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished)?;
        }
        let password = home.join("password");
        place::private_file(&password, self.password)?;
        if let Some(account) = account {
            std::os::unix::fs::chown(&password, Some(account.uid), Some(account.gid))?;
        }
        let made = Program::new("initdb", place::program("initdb")?, self.log)
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
        made?;
        std::fs::rename(unfinished, home.join("data")).context("cannot put the new cluster in place")
    }

    fn program(&self, home: &Path, account: Option<Account>) -> Result<Program> {
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            // No socket file: its path could be too long, and every client of ours speaks TCP.
            "unix_socket_directories=".to_owned(),
            "max_connections=400".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "log_min_duration_statement=500".to_owned(),
        ];
        let relaxed = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"].map(str::to_owned);
        let relaxed = if self.durable { &[][..] } else { &relaxed[..] };
        let program = Program::new("postgres", place::program("postgres")?, self.log)
            .arg("-D")
            .arg(home.join("data"))
            .args(
                settings
                    .iter()
                    .chain(relaxed)
                    .flat_map(|setting| ["-c".to_owned(), setting.clone()]),
            )
            .account(account)
            .folder(home)
            // "Fast shutdown": does not wait for clients to leave.
            .stop_signal(Signal::SIGINT);
        Ok(program)
    }
}

async fn ping(url: &str) -> Result<()> {
    crate::sql::execute(url, "SELECT 1").await
}
