//! `make run`: the whole platform on this machine, with data that stays.

use std::collections::HashMap;
use std::fs::File;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::signal::unix::{SignalKind, signal};

use crate::child::Child;
use crate::edge::{Edge, EdgeConfig};
use crate::media_node::{MediaConfig, MediaNode, MediaPorts};
use crate::platform::{self, Services};
use crate::port::Port;
use crate::progress::Progress;
use crate::secrets_file::SecretsFile;
use crate::servers::{ServerPorts, Servers, ServersConfig};
use crate::service::{MediaWiring, PublicWiring, Service, ServicePorts, ServiceSecrets, Wiring};
use crate::{database, place, shared};

/// The exit code of a service that cannot work with its settings; starting it again would not help.
const MISCONFIGURED: i32 = 78;
/// The name of the only media node.
const NODE: &str = "main";

/// The settings of `make run`.
#[derive(Debug, Clone, clap::Args)]
pub struct RunConfig {
    /// Port of the page, the API, the sockets and the media
    #[arg(long, env = "AIRWAVE_EDGE_PORT", default_value_t = 8080)]
    pub edge_port: u16,
    /// Port that encoders publish to
    #[arg(long, env = "AIRWAVE_RTMP_PORT", default_value_t = 1935)]
    pub rtmp_port: u16,
    /// First of the about 30 ports that servers and services use among themselves
    #[arg(long, env = "AIRWAVE_PORT_BASE", default_value_t = 17_000)]
    pub port_base: u16,
    /// Folder of data, logs and secrets; `.airwave` of the checkout unless set
    #[arg(long, env = "AIRWAVE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address that the edge, RTMP and the bucket listen on; 0.0.0.0 lets other machines in
    #[arg(long, env = "AIRWAVE_LISTEN", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Host name by which browsers and encoders reach this machine
    #[arg(long, env = "AIRWAVE_PUBLIC_HOST", default_value = "localhost")]
    pub public_host: String,
}

impl RunConfig {
    /// Returns the folder of data, logs and secrets.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir
            .clone()
            .unwrap_or_else(|| place::checkout().join(".airwave"))
    }

    /// Returns the origin that users open.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}:{}", self.public_host, self.edge_port)
    }

    /// Encoders may take the first address of a name alone, and that of `localhost` is often IPv6, where we do not listen.
    fn rtmp_url(&self) -> String {
        let host = if self.public_host == "localhost" {
            "127.0.0.1"
        } else {
            &self.public_host
        };
        format!("rtmp://{host}:{}/live", self.rtmp_port)
    }
}

/// Starts everything, says where to look, starts again what ends, and stops everything in order at Ctrl-C or SIGTERM.
pub async fn run(config: RunConfig) -> Result<()> {
    let mut stop = StopSignals::new()?;
    let progress = Progress::printing();
    let folder = config.data_dir();
    place::passable_folder(&folder)?;
    let _lock = lock(&folder)?;
    let mut parts = tokio::select! {
        started = Parts::start(&config, &folder, progress) => started?,
        // What has been started already is killed as it is dropped.
        () = stop.next() => return Ok(()),
    };
    progress.step("Everything is ready");
    eprintln!("{}", welcome(&config, &folder));
    tokio::select! {
        ended = parts.supervise(progress) => ended?,
        () = stop.next() => {}
    }
    progress.step("Stopping (once more Ctrl-C stops at once, without care)");
    tokio::select! {
        stopped = parts.stop(progress) => stopped?,
        () = stop.next() => return Err(anyhow!("stopped without care")),
    }
    progress.step("Everything has stopped");
    Ok(())
}

/// One platform for a folder: the servers would damage one another's data.
fn lock(folder: &Path) -> Result<File> {
    let lock = File::create(folder.join("lock"))?;
    let taken = lock.try_lock().map(|()| lock);
    taken.map_err(|_| {
        anyhow!(
            "{} is in use by another `make run`; AIRWAVE_DATA_DIR names another",
            folder.display()
        )
    })
}

fn welcome(config: &RunConfig, folder: &Path) -> String {
    let origin = config.origin();
    format!(
        "
  Page               {origin}/
  API                {origin}/api
  API documentation  {origin}/docs
  RTMP server        {}   (the stream key comes from the API)
  Logs               {}
  Try it             make demo
  Stop               Ctrl-C; the data stays, `make clean-data` forgets it
",
        config.rtmp_url(),
        folder.join("logs").display(),
    )
}

struct StopSignals([tokio::signal::unix::Signal; 3]);

impl StopSignals {
    fn new() -> Result<Self> {
        let [interrupt, terminate, hangup] = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        Ok(Self([signal(interrupt)?, signal(terminate)?, signal(hangup)?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// All that runs.
struct Parts {
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
    fn of(config: &RunConfig) -> Result<Self> {
        let mut number = config.port_base;
        let mut next = || {
            let port = Port::fixed(number, "AIRWAVE_PORT_BASE");
            number = number.checked_add(1).context("AIRWAVE_PORT_BASE is too high")?;
            port
        };
        let servers = ServerPorts::from(&mut next)?;
        let services = ServicePorts::from(&mut next)?;
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
    async fn start(config: &RunConfig, folder: &Path, progress: Progress) -> Result<Self> {
        let ports = Ports::of(config)?;
        let program = shared::program()?;
        let binaries = program
            .parent()
            .context("a program without a folder")?
            .to_path_buf();
        let logs = folder.join("logs");
        let mut secrets = SecretsFile::open(&folder.join("secrets.env"))?;
        let service_secrets = secrets.services()?;
        progress.step("Starting PostgreSQL, Redis, RabbitMQ, MongoDB and the bucket");
        let servers = ServersConfig {
            folder: folder.join("data"),
            logs: logs.clone(),
            ports: ports.servers,
            secrets: secrets.servers()?,
            durable: true,
            listen: config.listen,
            public_host: config.public_host.clone(),
            program,
        };
        let servers = Servers::start(servers, progress).await?;
        let media = media_node(config, folder, ports.media, &service_secrets);
        let mut parts = wiring(config, &servers, ports.services, service_secrets, &media).await?;
        parts.variables = overrides(std::env::vars());
        progress.step("Migrating the databases");
        migrate(&parts, &binaries, &logs).await?;
        let (media, edge) = front(config, folder, media, &parts, ports.edge, progress).await?;
        progress.step("Starting the services");
        let services = Services::start(parts, &binaries, &logs, progress).await?;
        Ok(Self {
            servers,
            services,
            media,
            edge,
        })
    }

    /// Looks after all processes for ever.
    async fn supervise(&mut self, progress: Progress) -> Result<()> {
        let mut watches: HashMap<String, Watch> = HashMap::new();
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            for (name, status, log) in self.ended()? {
                let watch = watches.entry(name.clone()).or_default();
                match watch.ended(status) {
                    Step::Tell(pause) => {
                        let next = format!("Starting it again in {} s", pause.as_secs());
                        progress.step(format!(
                            "{name} has ended ({status}). {next}. The end of its log:\n{log}"
                        ));
                    }
                    Step::GiveUp => {
                        progress.step(format!(
                            "{name} cannot work with its settings. The end of its log:\n{log}"
                        ));
                    }
                    Step::Wait => {}
                    Step::Start => {
                        progress.step(format!("Starting {name} again"));
                        self.again(&name).await?;
                        watch.started();
                    }
                }
            }
        }
    }

    fn processes(&mut self) -> impl Iterator<Item = &mut Child> {
        let front = self.media.process().into_iter().chain([self.edge.process()]);
        self.servers
            .processes()
            .chain(self.services.processes())
            .chain(front)
    }

    fn ended(&mut self) -> Result<Vec<(String, ExitStatus, String)>> {
        let mut ended = Vec::new();
        for child in self.processes() {
            if let Some(status) = child.exited()? {
                ended.push((child.name().to_owned(), status, child.log_tail(8)));
            }
        }
        Ok(ended)
    }

    async fn again(&mut self, name: &str) -> Result<()> {
        if name == "media" {
            // With a new boot id, as its numbers of clients start again.
            let hooks = self.services.wiring().ports.hooks();
            return self.media.start(&hooks).await;
        }
        let child = self.processes().find(|child| child.name() == name);
        child.with_context(|| format!("{name} is not known"))?.again()
    }

    /// First what lets new work in, then the services, then what they store in.
    async fn stop(mut self, progress: Progress) -> Result<()> {
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
        name: NODE.to_owned(),
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
            name: NODE.to_owned(),
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

/// A setting in the caller's environment holds for every service: another bucket, a log level, a collector of traces.
fn overrides(environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let ours = [
        "AIRWAVE_EDGE_PORT",
        "AIRWAVE_RTMP_PORT",
        "AIRWAVE_PORT_BASE",
        "AIRWAVE_DATA_DIR",
        "AIRWAVE_LISTEN",
    ];
    environment
        .filter(|(name, _)| name.starts_with("AIRWAVE_") && !ours.contains(&name.as_str()))
        .collect()
}

async fn migrate(wiring: &Wiring, binaries: &Path, logs: &Path) -> Result<()> {
    let all = wiring
        .databases
        .iter()
        .map(|(service, url)| platform::migrate(*service, url, binaries, logs));
    futures::future::try_join_all(all).await.map(drop)
}

async fn front(
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

/// How often a process has ended lately, and when to start it again.
#[derive(Debug, Default)]
struct Watch {
    failures: u32,
    started: Option<Instant>,
    next: Option<Instant>,
    given_up: bool,
}

enum Step {
    Tell(Duration),
    Wait,
    Start,
    GiveUp,
}

impl Watch {
    fn ended(&mut self, status: ExitStatus) -> Step {
        if self.given_up {
            return Step::Wait;
        }
        if status.code() == Some(MISCONFIGURED) {
            self.given_up = true;
            return Step::GiveUp;
        }
        match self.next {
            Some(next) if Instant::now() < next => Step::Wait,
            Some(_) => Step::Start,
            None => {
                if self
                    .started
                    .is_some_and(|started| started.elapsed() > Duration::from_secs(60))
                {
                    self.failures = 0;
                }
                let pause = Duration::from_secs(1 << self.failures.min(5));
                self.failures += 1;
                self.next = Some(Instant::now() + pause);
                Step::Tell(pause)
            }
        }
    }

    fn started(&mut self) {
        self.started = Some(Instant::now());
        self.next = None;
    }
}
