//! The processes of `make run`: five servers, six services, a media node and the edge.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result};

use super::ENVIRONMENT;
use super::config::{RunConfig, overrides};
use crate::child::Child;
use crate::edge::{Edge, EdgeConfig};
use crate::media_node::{MediaConfig, MediaNode, MediaPorts};
use crate::platform;
use crate::port::Port;
use crate::progress::Progress;
use crate::secrets_file::SecretsFile;
use crate::servers::{ServerPorts, Servers, ServersConfig};
use crate::service::{MediaWiring, PublicWiring, Service, ServicePorts, ServiceSecrets, Wiring};
use crate::services::{ServiceFolders, Services};
use crate::wait::eventually;
use crate::{database, place, shared};

/// The name of the only media node.
const MEDIA_NODE: &str = "main";

/// All running processes.
pub(super) struct Parts {
    servers: Servers,
    services: Services,
    media: MediaNode,
    edge: Edge,
}

struct Ports {
    servers: ServerPorts,
    services: ServicePorts,
    media: MediaPorts,
    edge: Port,
}

impl Ports {
    fn allocate(config: &RunConfig) -> Result<Self> {
        let mut number = config.port_base;
        let mut next = || {
            let port = Port::fixed(number, "AIRWAVE_PORT_BASE");
            number = number.checked_add(1).context("AIRWAVE_PORT_BASE is too high")?;
            port
        };
        let servers = ServerPorts::from(&mut next)?;
        let services = ServicePorts::allocate(&mut next)?;
        let media = MediaPorts {
            rtmp: Port::fixed(config.rtmp_port, "AIRWAVE_RTMP_PORT")?,
            media: next()?,
            control: next()?,
            hook: next()?,
        };
        Ok(Self {
            servers,
            services,
            media,
            edge: Port::fixed(config.edge_port, "AIRWAVE_EDGE_PORT")?,
        })
    }
}

impl Parts {
    /// Starts everything and waits until it is ready.
    pub(super) async fn start(config: &RunConfig, folder: &Path, progress: Progress) -> Result<Self> {
        let ports = Ports::allocate(config)?;
        let program = shared::program()?;
        let binaries = program
            .parent()
            .context("the program has no parent folder")?
            .to_path_buf();
        let folders = ServiceFolders {
            binaries,
            logs: folder.join("logs"),
        };
        let mut secrets = SecretsFile::open(&folder.join("secrets.env"))?;
        let service_secrets = secrets.services()?;
        progress.step("Starting PostgreSQL, Redis, RabbitMQ, MongoDB and the bucket");
        let servers = ServersConfig {
            folder: folder.join("data"),
            logs: folders.logs.clone(),
            ports: ports.servers,
            secrets: secrets.servers()?,
            durable: true,
            listen: config.listen,
            public_host: config.public_host.clone(),
            program,
        };
        let servers = Servers::start(servers, progress).await?;
        let media = media_node(config, folder, ports.media, &service_secrets);
        let mut wiring = wiring(config, &servers, ports.services, service_secrets, &media).await?;
        wiring.variables = overrides(std::env::vars());
        write_environment(&wiring, folder)?;
        progress.step("Migrating the databases");
        migrate(&wiring, &folders).await?;
        let (media, edge) = start_frontend(config, folder, media, &wiring, ports.edge, progress).await?;
        progress.step("Starting the services");
        let services = Services::start(wiring, folders, progress).await?;
        Ok(Self {
            servers,
            services,
            media,
            edge,
        })
    }

    fn processes(&mut self) -> impl Iterator<Item = &mut Child> {
        let frontend = self.media.process().into_iter().chain([self.edge.process()]);
        self.servers
            .processes()
            .chain(self.services.processes())
            .chain(frontend)
    }

    /// Returns the processes that have exited: name, status and the end of the log.
    pub(super) fn exited(&mut self) -> Result<Vec<(String, ExitStatus, String)>> {
        let mut exited = Vec::new();
        for child in self.processes() {
            if let Some(status) = child.exited()? {
                exited.push((child.name().to_owned(), status, child.log_tail(8)));
            }
        }
        Ok(exited)
    }

    pub(super) async fn restart(&mut self, name: &str) -> Result<()> {
        if name == "media" {
            // nginx restarts its client numbers, so the node needs a new boot id.
            let hooks = self.services.wiring().ports.hooks();
            let start = async || self.media.start(&hooks).await;
            return eventually(Duration::from_secs(30), "the media node to restart", start).await;
        }
        let child = self.processes().find(|child| child.name() == name);
        child.with_context(|| format!("unknown process {name}"))?.again()
    }

    /// Stops the edge and the media node first, so that no new work arrives, then services and servers.
    pub(super) async fn stop(mut self, progress: Progress) -> Result<()> {
        self.edge.stop().await?;
        self.media.stop().await?;
        progress.step("The edge and the media node have stopped");
        self.services.stop().await?;
        progress.step("The services have stopped");
        self.servers.stop().await
    }
}

fn media_node(config: &RunConfig, folder: &Path, ports: MediaPorts, secrets: &ServiceSecrets) -> MediaNode {
    MediaNode::new(MediaConfig {
        name: MEDIA_NODE.to_owned(),
        secret: secrets.hook.clone(),
        folder: folder.join("data/media"),
        ports,
        listen: config.listen,
        update_every: Duration::from_secs(10),
    })
}

async fn wiring(
    config: &RunConfig,
    servers: &Servers,
    ports: ServicePorts,
    secrets: ServiceSecrets,
    media: &MediaNode,
) -> Result<Wiring> {
    let stack = servers.stack();
    let mut databases = Vec::new();
    for service in Service::WITH_DATABASE {
        databases.push((
            service,
            database::ensure(&stack.postgres_url, service.name()).await?,
        ));
    }
    Ok(Wiring {
        databases,
        redis: (stack.redis_url.clone(), "airwave".to_owned()),
        queue_prefix: "bull".to_owned(),
        mongodb: (stack.mongodb_url.clone(), "chat".to_owned()),
        amqp_url: stack.named_vhost("airwave").await?,
        bucket: (stack.bucket.clone(), String::new()),
        secrets,
        ports,
        media: MediaWiring {
            name: MEDIA_NODE.to_owned(),
            control_url: media.control_url(),
            recordings: media.record_dir(),
        },
        public: PublicWiring {
            origin: config.origin(),
            rtmp_url: config.rtmp_url(),
            web: platform::web(),
        },
        variables: Vec::new(),
    })
}

/// Saves the environment of each service, for commands that act on the running platform.
fn write_environment(wiring: &Wiring, folder: &Path) -> Result<()> {
    let all = Service::ALL.map(|service| (service.name(), wiring.environment(service)));
    let all: HashMap<_, _> = all.into_iter().collect();
    place::private_file(&folder.join(ENVIRONMENT), &serde_json::to_string_pretty(&all)?)
}

async fn migrate(wiring: &Wiring, folders: &ServiceFolders) -> Result<()> {
    let all = wiring
        .databases
        .iter()
        .map(|(service, url)| platform::migrate(*service, url, folders));
    futures::future::try_join_all(all).await.map(drop)
}

async fn start_frontend(
    config: &RunConfig,
    folder: &Path,
    mut media: MediaNode,
    wiring: &Wiring,
    port: Port,
    progress: Progress,
) -> Result<(MediaNode, Edge)> {
    media.start(&wiring.ports.hooks()).await?;
    let edge = EdgeConfig {
        folder: folder.join("data/edge"),
        listen: config.listen,
        port,
        rest: wiring.ports.rest(),
        sockets: wiring.ports.sockets(),
        media: media.media_address(),
    };
    let edge = Edge::start(edge).await?;
    progress.step("The media node and the edge are ready");
    Ok((media, edge))
}
