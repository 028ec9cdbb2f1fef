//! Free ports that two processes of a parallel test run never both pick.
//!
//! Ports come from below the kernel's range for outgoing connections. A lock file reserves each one, because
//! between finding a free port and listening on it another test could find the same port.

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

    /// Takes the port of a setting.
    ///
    /// # Errors
    /// If the port is in use.
    pub fn fixed(number: u16, setting: &str) -> Result<Self> {
        if !is_free(number) {
            bail!("port {number} is in use: choose another with {setting}");
        }
        Ok(Self { number, _lock: None })
    }

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
    made.with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

fn is_free(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
        && TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)).is_ok()
}
