//! A media node: nginx with the RTMP module, which sends its hooks to one stream service.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::child::Child;
use crate::port::Port;
use crate::{nginx, place, secret};

const TEMPLATE: &str = include_str!("../../../deploy/nginx/media.conf.template");

/// The ports of a media node.
#[derive(Debug)]
pub struct MediaPorts {
    /// Encoders publish to it.
    pub rtmp: Port,
    /// HLS and DASH.
    pub media: Port,
    /// `/stat` and `/control`.
    pub control: Port,
    /// The module's hooks, which nginx forwards to the stream service.
    pub hook: Port,
}

impl MediaPorts {
    /// Takes free ports.
    pub fn free() -> Result<Self> {
        Ok(Self {
            rtmp: Port::free()?,
            media: Port::free()?,
            control: Port::free()?,
            hook: Port::free()?,
        })
    }
}

#[derive(Debug)]
pub struct MediaConfig {
    /// The node's name in hooks and rows.
    pub name: String,
    /// The secret that authenticates its hooks.
    pub secret: String,
    /// Contains its configuration, logs, segments and recordings.
    pub folder: PathBuf,
    pub ports: MediaPorts,
    /// The address that RTMP listens on; everything else is loopback.
    pub listen: IpAddr,
    /// How often it reports each publisher, in whole seconds.
    pub update_every: Duration,
}

/// A media node, running or stopped. Dropping it kills nginx and, in a test, removes its folder.
#[derive(Debug)]
pub struct MediaNode {
    config: MediaConfig,
    boot_id: String,
    // Dropped before the folder, so that nginx has ended when the folder is removed.
    nginx: Option<Child>,
    _temporary: Option<tempfile::TempDir>,
}

impl MediaNode {
    /// Describes a node without starting it. Its addresses are known already.
    #[must_use]
    pub fn new(config: MediaConfig) -> Self {
        Self {
            config,
            boot_id: String::new(),
            nginx: None,
            _temporary: None,
        }
    }

    /// Describes a node for a test, with free ports and a folder inside `below`. It reports publishers every
    /// second.
    pub fn for_test(below: &Path, name: &str, secret: &str) -> Result<Self> {
        place::passable_folder(below)?;
        let folder = tempfile::Builder::new().prefix("media-").tempdir_in(below)?;
        let config = MediaConfig {
            name: name.to_owned(),
            secret: secret.to_owned(),
            folder: folder.path().to_path_buf(),
            ports: MediaPorts::free()?,
            listen: std::net::Ipv4Addr::LOCALHOST.into(),
            update_every: Duration::from_secs(1),
        };
        Ok(Self {
            _temporary: Some(folder),
            ..Self::new(config)
        })
    }

    /// Starts nginx with a new boot id. Its hooks go to `hooks`, a `host:port`.
    pub async fn start(&mut self, hooks: &str) -> Result<()> {
        self.stop().await?;
        for folder in [
            self.media_dir().join("hls"),
            self.media_dir().join("dash"),
            self.record_dir(),
        ] {
            place::private_folder(&folder)?;
        }
        self.boot_id = secret::unique();
        let values = self.values(hooks);
        let listens = self.config.ports.rtmp.address();
        let started = nginx::start("media", &self.config.folder, TEMPLATE, &values, &listens).await;
        self.nginx = Some(started.context("cannot start the media node")?);
        Ok(())
    }

    fn values(&self, hooks: &str) -> [(&'static str, String); 15] {
        let MediaConfig {
            name,
            secret,
            folder,
            ports,
            listen,
            update_every,
        } = &self.config;
        [
            ("RTMP_LISTEN", format!("{listen}:{}", ports.rtmp.number())),
            ("MEDIA_LISTEN", ports.media.address()),
            ("CONTROL_LISTEN", ports.control.address()),
            ("CONTROL_ALLOW", "127.0.0.1".to_owned()),
            ("HOOK_LISTEN", ports.hook.address()),
            ("STREAM_HOOKS", hooks.to_owned()),
            ("HOOK_SECRET", secret.clone()),
            ("RESOLVER", "127.0.0.1".to_owned()),
            ("NODE", name.clone()),
            ("BOOT_ID", self.boot_id.clone()),
            ("UPDATE_EVERY", format!("{}s", update_every.as_secs().max(1))),
            ("FOLDER", nginx::path(folder)),
            (
                "CLEANER",
                nginx::path(&place::checkout().join("deploy/nginx/clean-media")),
            ),
            ("MEDIA_DIR", nginx::path(&self.media_dir())),
            ("RECORD_DIR", nginx::path(&self.record_dir())),
        ]
    }

    /// Stops nginx; publishers lose their connection.
    pub async fn stop(&mut self) -> Result<()> {
        match self.nginx.take() {
            Some(mut nginx) => nginx.stop(Duration::from_secs(10)).await,
            None => Ok(()),
        }
    }

    /// Kills nginx's worker; the master starts another.
    pub async fn kill_worker(&mut self) -> Result<()> {
        let master = self
            .nginx
            .as_ref()
            .and_then(Child::pid)
            .context("the media node is not running")?;
        let worker = worker_of(master).context("nginx has no worker")?;
        Ok(kill(Pid::from_raw(worker), Signal::SIGKILL)?)
    }

    /// Returns the process, for supervision and for tests that disturb it.
    pub fn process(&mut self) -> Option<&mut Child> {
        self.nginx.as_mut()
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Returns the id of the current run of nginx.
    #[must_use]
    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// Returns the encoder's server setting. The stream key follows after a slash.
    #[must_use]
    pub fn rtmp_url(&self) -> String {
        format!("rtmp://{}/live", self.config.ports.rtmp.address())
    }

    /// Returns the address (`host:port`) that serves HLS and DASH.
    #[must_use]
    pub fn media_address(&self) -> String {
        self.config.ports.media.address()
    }

    /// Returns the base URL of HLS and DASH, without a final slash.
    #[must_use]
    pub fn media_url(&self) -> String {
        format!("http://{}", self.media_address())
    }

    /// Returns the base URL of `/stat` and `/control`, without a final slash.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}", self.config.ports.control.address())
    }

    /// Returns the base URL of the module's hooks, without a final slash.
    #[must_use]
    pub fn hook_url(&self) -> String {
        format!("http://{}", self.config.ports.hook.address())
    }

    /// Returns the folder of `hls` and `dash`.
    #[must_use]
    pub fn media_dir(&self) -> PathBuf {
        self.config.folder.join("media")
    }

    /// Returns the folder of the recordings.
    #[must_use]
    pub fn record_dir(&self) -> PathBuf {
        self.config.folder.join("recordings")
    }

    /// Returns the folder of configuration and logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.config.folder
    }
}

/// Returns the master's only worker; its other children manage caches.
fn worker_of(master: u32) -> Option<i32> {
    let children = std::fs::read_to_string(format!("/proc/{master}/task/{master}/children")).ok()?;
    let mut children = children.split_whitespace();
    children
        .find(|pid| {
            let title = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            title.contains("worker process")
        })
        .and_then(|pid| pid.parse().ok())
}
