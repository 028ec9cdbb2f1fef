//! A platform with two gateways, each with its own chat service, on the same stores and broker, and with a
//! live stream.

use anyhow::{Result, bail};
use e2e::api::{Api, User};
use e2e::live::go_live;
use stack::child::Child;
use stack::{Platform, PlatformOptions, Publisher, Replica, Service};

/// The address of a gateway's sockets.
const SOCKET_ADDR: &str = "AIRWAVE_GATEWAY_SOCKET_ADDR";

/// The platform with its replicas.
pub(crate) struct Replicas {
    pub(crate) platform: Platform,
    pub(crate) streamer: User,
    pub(crate) stream: i64,
    chat: Replica,
    gateway: Replica,
    publisher: Publisher,
}

/// One of two processes of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instance {
    First(Service),
    Second(Service),
}

/// Every replicated process.
pub(crate) const INSTANCES: [Instance; 4] = [
    Instance::First(Service::Gateway),
    Instance::Second(Service::Gateway),
    Instance::First(Service::Chat),
    Instance::Second(Service::Chat),
];

impl Replicas {
    /// Starts the platform; every service gets these variables in addition.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Result<Self> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let options = PlatformOptions {
            variables: variables.iter().map(own).collect(),
        };
        let mut platform = Platform::start(options).await?;
        let chat = platform.services().start_replica(Service::Chat, &[]).await?;
        let chat_url = format!("http://{}", chat.variable("AIRWAVE_GRPC_ADDR")?);
        let variables = [("AIRWAVE_CHAT_URL", chat_url)];
        let gateway = platform
            .services()
            .start_replica(Service::Gateway, &variables)
            .await?;
        let streamer = Api::guest(platform.origin())?.register("streamer_lan").await?;
        let (stream, publisher) = go_live(&platform, &streamer).await?;
        Ok(Self {
            platform,
            streamer,
            stream,
            chat,
            gateway,
            publisher,
        })
    }

    /// Returns the origin of each gateway's sockets.
    pub(crate) fn origins(&self) -> Result<[String; 2]> {
        let first = self.platform.wiring().variable(Service::Gateway, SOCKET_ADDR)?;
        let second = self.gateway.variable(SOCKET_ADDR)?;
        Ok([format!("http://{first}"), format!("http://{second}")])
    }

    /// Returns a process, to kill and restart it.
    pub(crate) fn process(&mut self, instance: Instance) -> Result<&mut Child> {
        match instance {
            Instance::First(service) => self.platform.services().process(service),
            Instance::Second(Service::Gateway) => Ok(self.gateway.process()),
            Instance::Second(Service::Chat) => Ok(self.chat.process()),
            Instance::Second(other) => bail!("{} has one replica", other.name()),
        }
    }

    /// Waits until all restarted processes are ready.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        self.platform.services().ready(Service::Chat).await?;
        self.platform.services().ready(Service::Gateway).await?;
        self.chat.ready().await?;
        self.gateway.ready().await
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        self.publisher.stop().await?;
        self.gateway.stop().await?;
        self.chat.stop().await?;
        self.platform.stop().await
    }
}
