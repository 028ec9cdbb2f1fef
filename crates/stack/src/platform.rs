//! The six services on a stack, with a media node and an edge.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::edge::{Edge, EdgeConfig};
use crate::media_node::MediaNode;
use crate::port::Port;
use crate::progress::Progress;
use crate::service::{MediaWiring, PublicWiring, Service, ServicePorts, ServiceSecrets, Wiring};
use crate::services::{ServiceFolders, Services};
use crate::stack::Stack;
use crate::{VARIABLE, place, shared};

/// Migrates a database with its service's binary.
pub(crate) async fn migrate(service: Service, url: &str, folders: &ServiceFolders) -> Result<()> {
    let program = folders
        .program(service, service.name())
        .arg("migrate")
        .envs([("AIRWAVE_ENV", "development"), ("AIRWAVE_DATABASE_URL", url)]);
    program
        .run(Duration::from_secs(120))
        .await
        .with_context(|| format!("cannot migrate {}", service.name()))
}

#[derive(Debug, Clone, Default)]
pub struct PlatformOptions {
    /// Additional environment variables of every service.
    pub variables: Vec<(String, String)>,
}

/// The whole platform for one test: the built binaries on the shared servers, with isolated data.
#[derive(Debug)]
pub struct Platform {
    services: Services,
    media: MediaNode,
    edge: Edge,
    folder: tempfile::TempDir,
}

impl Platform {
    /// Starts all parts and waits until each is ready.
    pub async fn start(options: PlatformOptions) -> Result<Self> {
        place::allow_many_files()?;
        let stack = shared().await?;
        let binaries = binaries().await?;
        let below = stack.folder.join("tests");
        place::passable_folder(&below)?;
        let folder = tempfile::Builder::new().prefix("platform-").tempdir_in(&below)?;
        let logs = folder.path().join("logs");
        let folders = ServiceFolders { binaries, logs };
        let secrets = ServiceSecrets::random()?;
        let mut media = stack.media_node("main", &secrets.hook)?;
        let ports = ServicePorts::allocate(Port::free)?;
        let edge = EdgeConfig {
            folder: folder.path().join("edge"),
            listen: std::net::Ipv4Addr::LOCALHOST.into(),
            port: Port::free()?,
            rest: ports.rest(),
            sockets: ports.sockets(),
            media: media.media_address(),
        };
        media.start(&ports.hooks()).await?;
        let edge = Edge::start(edge).await?;
        let mut wiring = wiring(stack, &folders, ports, secrets, &media, edge.url()).await?;
        wiring.variables = options.variables;
        let services = Services::start(wiring, folders, Progress::silent()).await?;
        Ok(Self {
            services,
            media,
            edge,
            folder,
        })
    }

    /// Returns the origin of page, API, sockets and media, without a final slash.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.services.wiring().public.origin
    }

    /// Returns the URL to which an encoder publishes with this stream key.
    #[must_use]
    pub fn publish_url(&self, key: &str) -> String {
        format!("{}/{key}", self.media.rtmp_url())
    }

    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.media.record_dir()
    }

    #[must_use]
    pub fn mongodb_url(&self) -> &str {
        &self.services.wiring().mongodb.0
    }

    #[must_use]
    pub fn mongodb_database(&self) -> &str {
        &self.services.wiring().mongodb.1
    }

    #[must_use]
    pub fn wiring(&self) -> &Wiring {
        self.services.wiring()
    }

    /// Returns the services, for tests that disturb them.
    pub fn services(&mut self) -> &mut Services {
        &mut self.services
    }

    /// Returns the media node, for tests that disturb it.
    pub fn media(&mut self) -> &mut MediaNode {
        &mut self.media
    }

    /// Returns the folder of the logs, one file for each service.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// Stops everything in order.
    pub async fn stop(mut self) -> Result<()> {
        self.edge.stop().await?;
        self.media.stop().await?;
        self.services.stop().await
    }
}

async fn wiring(
    stack: &Stack,
    folders: &ServiceFolders,
    ports: ServicePorts,
    secrets: ServiceSecrets,
    media: &MediaNode,
    origin: String,
) -> Result<Wiring> {
    let databases = Service::WITH_DATABASE.map(async |service| {
        let migrate = async |url: String| migrate(service, &url, folders).await;
        anyhow::Ok((service, stack.database(service.name(), migrate).await?))
    });
    let (databases, amqp_url) = futures::try_join!(futures::future::try_join_all(databases), stack.vhost())?;
    let prefix = stack.redis_prefix();
    Ok(Wiring {
        databases,
        redis: (stack.redis_url.clone(), prefix.clone()),
        queue_prefix: prefix,
        mongodb: (stack.mongodb_url.clone(), stack.mongo_database()),
        amqp_url,
        bucket: (stack.bucket.clone(), stack.bucket_prefix()),
        secrets,
        ports,
        media: MediaWiring {
            name: media.name().to_owned(),
            control_url: media.control_url(),
            recordings: media.record_dir(),
        },
        public: PublicWiring {
            origin,
            rtmp_url: media.rtmp_url(),
            web: web(),
        },
        variables: Vec::new(),
    })
}

/// Returns the folder of the built page, if it has been built.
pub(crate) fn web() -> Option<PathBuf> {
    let built = place::checkout().join("web/dist");
    built.is_dir().then_some(built)
}

/// Returns the folder of the services' binaries.
///
/// A whole test run has built them. A single `cargo test -p e2e` has not, so they are built first.
pub async fn binaries() -> Result<PathBuf> {
    if std::env::var_os(VARIABLE).is_none() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let packages = Service::ALL.map(|service| format!("--package={}", service.name()));
        let mut build = Command::new(cargo);
        build
            .args(["build", "--quiet", "--bins"])
            .args(packages)
            .current_dir(place::checkout());
        ensure!(build.status().await?.success(), "cannot build the services");
    }
    let program = shared::program()?;
    Ok(program
        .parent()
        .context("a program without a folder")?
        .to_path_buf())
}
