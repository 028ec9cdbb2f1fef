//! Free ports that two processes of a parallel test run never both pick.
//!
//! A port number is taken from below the range that the kernel uses for outgoing connections, and a lock file
//! is held for as long as the number is reserved: between finding a port free and a server listening on it
//! there is time for another test to find the same.

use std::fs::{DirBuilder, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A reserved port, free for others when dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: Option<File>,
}

impl Port {
    /// Reserves a free port of the loopback address.
    pub fn free() -> Result<Self> {
        let folder = lock_folder()?;
        let start = rand::random::<u16>() % COUNT;
        for step in 0..COUNT {
            let number = FIRST + (start + step) % COUNT;
            let lock = File::create(folder.join(number.to_string()))?;
            if lock.try_lock().is_ok() && is_free(number) {
                return Ok(Self {
                    number,
                    _lock: Some(lock),
                });
            }
        }
        bail!("no free port between {FIRST} and {}", FIRST + COUNT)
    }

    /// Takes a port that a setting names, and fails when something listens on it already.
    pub fn fixed(number: u16, setting: &str) -> Result<Self> {
        if !is_free(number) {
            bail!("port {number} is in use: choose another with {setting}");
        }
        Ok(Self { number, _lock: None })
    }

    /// Returns the number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Returns the loopback address with this port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }
}

fn lock_folder() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("airwave-ports-{}", nix::unistd::Uid::effective()));
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn is_free(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
        && TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)).is_ok()
}
