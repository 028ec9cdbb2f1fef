//! The six services: their addresses, and the environment that wires each to the others and to the servers.

use std::path::PathBuf;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::port::Port;
use crate::secret;
use crate::stack::BucketSettings;

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Accounts, sessions, follows.
    Auth,
    /// Streams and the hooks of the media nodes.
    Stream,
    /// Videos on demand, and the recordings of the local media node.
    Vod,
    /// Chat.
    Chat,
    /// Notifications.
    Notification,
    /// REST, sockets and the page.
    Gateway,
}

impl Service {
    /// All of them, in the order in which they start.
    pub const ALL: [Self; 6] = [
        Self::Auth,
        Self::Stream,
        Self::Vod,
        Self::Chat,
        Self::Notification,
        Self::Gateway,
    ];

    /// Those with a PostgreSQL database, which is named like the service.
    pub const WITH_DATABASE: [Self; 4] = [Self::Auth, Self::Stream, Self::Vod, Self::Notification];

    /// Returns its name, which is also that of its binary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Stream => "stream",
            Self::Vod => "vod",
            Self::Chat => "chat",
            Self::Notification => "notification",
            Self::Gateway => "gateway",
        }
    }
}

/// The addresses that the services listen on.
#[derive(Debug)]
pub struct ServicePorts {
    grpc: [Port; 5],
    internal: [Port; 6],
    hooks: Port,
    rest: Port,
    sockets: Port,
}

impl ServicePorts {
    /// Takes each port from the function, which is asked in a fixed order.
    pub fn from(mut next: impl FnMut() -> Result<Port>) -> Result<Self> {
        let [mut grpc, mut internal] = [Vec::new(), Vec::new()];
        for service in Service::ALL {
            if service != Service::Gateway {
                grpc.push(next()?);
            }
            internal.push(next()?);
        }
        let grpc = grpc.try_into().ok().context("five services answer gRPC")?;
        let internal = internal
            .try_into()
            .ok()
            .context("six services tell their health")?;
        Ok(Self {
            grpc,
            internal,
            hooks: next()?,
            rest: next()?,
            sockets: next()?,
        })
    }

    /// Returns where a service answers gRPC; the gateway does not.
    #[must_use]
    pub fn grpc(&self, service: Service) -> Option<String> {
        self.grpc.get(service as usize).map(Port::address)
    }

    /// Returns where a service tells its health and metrics.
    #[must_use]
    pub fn internal(&self, service: Service) -> String {
        self.internal
            .get(service as usize)
            .map(Port::address)
            .unwrap_or_default()
    }

    /// Returns where the stream service takes the hooks of media nodes.
    #[must_use]
    pub fn hooks(&self) -> String {
        self.hooks.address()
    }

    /// Returns where the gateway answers REST.
    #[must_use]
    pub fn rest(&self) -> String {
        self.rest.address()
    }

    /// Returns where the gateway takes sockets.
    #[must_use]
    pub fn sockets(&self) -> String {
        self.sockets.address()
    }
}

/// The secrets of one deployment.
#[derive(Debug, Clone)]
pub struct ServiceSecrets {
    /// Services know each other by it.
    pub service: String,
    /// Hooks carry it.
    pub hook: String,
    /// Stream keys are hashed and sealed under it.
    pub stream_key: String,
    /// Signs access tokens: Ed25519, PKCS#8 PEM in base64.
    pub signing_key: String,
}

impl ServiceSecrets {
    /// Makes new ones.
    pub fn random() -> Result<Self> {
        let signing_key = STANDARD.encode(secret::signing_key()?);
        Ok(Self {
            service: secret::random(),
            hook: secret::random(),
            stream_key: secret::random(),
            signing_key,
        })
    }
}

/// What one deployment's services are told: the one place where `make run` and the tests of the whole
/// platform get it from.
#[derive(Debug)]
pub struct Wiring {
    /// The URL of a database, by the service that owns it.
    pub databases: Vec<(Service, String)>,
    /// Redis, and what the deployment's keys begin with.
    pub redis: (String, String),
    /// What the job queue's keys begin with.
    pub queue_prefix: String,
    /// MongoDB, and the name of the database.
    pub mongodb: (String, String),
    /// RabbitMQ with the virtual host.
    pub amqp_url: String,
    /// The bucket, and what the deployment's objects begin with.
    pub bucket: (BucketSettings, String),
    /// Secrets.
    pub secrets: ServiceSecrets,
    /// Addresses.
    pub ports: ServicePorts,
    /// The media node.
    pub media: MediaWiring,
    /// What browsers and encoders see.
    pub public: PublicWiring,
    /// Variables that every service gets besides, over ours.
    pub variables: Vec<(String, String)>,
}

/// What services are told of the media node.
#[derive(Debug, Clone)]
pub struct MediaWiring {
    /// Its name.
    pub name: String,
    /// The base URL of `/stat` and `/control`.
    pub control_url: String,
    /// Where its recordings lie.
    pub recordings: PathBuf,
}

/// The addresses that the outside is told.
#[derive(Debug, Clone)]
pub struct PublicWiring {
    /// The edge's origin, without a final slash.
    pub origin: String,
    /// The RTMP server with its application.
    pub rtmp_url: String,
    /// The built page, if there is one.
    pub web: Option<PathBuf>,
}

impl Wiring {
    /// Returns the arguments with which a service serves.
    #[must_use]
    pub fn arguments(&self, service: Service) -> Vec<String> {
        let mut arguments = vec!["serve".to_owned()];
        if service == Service::Vod {
            // One process answers calls and works for the only media node.
            arguments.extend(["--work".to_owned(), self.media.name.clone()]);
        }
        arguments
    }

    /// Returns the environment of a service.
    #[must_use]
    pub fn environment(&self, service: Service) -> Vec<(String, String)> {
        let mut variables = Variables::default();
        variables.set("AIRWAVE_ENV", "development");
        variables.set("AIRWAVE_INTERNAL_ADDR", self.ports.internal(service));
        variables.set("AIRWAVE_SERVICE_SECRET", &self.secrets.service);
        variables.set("AIRWAVE_AMQP_URL", &self.amqp_url);
        if let Some(address) = self.ports.grpc(service) {
            variables.set("AIRWAVE_GRPC_ADDR", address);
        }
        if let Some((_, url)) = self.databases.iter().find(|(owner, _)| *owner == service) {
            variables.set("AIRWAVE_DATABASE_URL", url);
        }
        variables.set("AIRWAVE_REDIS_URL", &self.redis.0);
        variables.set("AIRWAVE_REDIS_PREFIX", &self.redis.1);
        self.peers(&mut variables);
        match service {
            Service::Auth => variables.set("AIRWAVE_AUTH_SIGNING_KEY", &self.secrets.signing_key),
            Service::Stream => self.stream(&mut variables),
            Service::Vod => variables.set("AIRWAVE_VOD_RECORDINGS_DIR", self.media.recordings.display()),
            Service::Chat => self.chat(&mut variables),
            Service::Notification => variables.set("AIRWAVE_QUEUE_PREFIX", &self.queue_prefix),
            Service::Gateway => self.gateway(&mut variables),
        }
        if matches!(service, Service::Auth | Service::Stream | Service::Vod) {
            self.bucket(&mut variables);
        }
        for (name, value) in &self.variables {
            variables.set(name, value);
        }
        variables.0
    }

    /// Returns one variable of a service's environment.
    pub fn variable(&self, service: Service, name: &str) -> Result<String> {
        let mut variables = self.environment(service).into_iter();
        let found = variables.find(|(known, _)| known == name);
        let (_, value) = found.with_context(|| format!("{} has no {name}", service.name()))?;
        Ok(value)
    }

    fn peers(&self, variables: &mut Variables) {
        for peer in Service::ALL {
            if let Some(address) = self.ports.grpc(peer) {
                let name = peer.name().to_uppercase();
                variables.set(&format!("AIRWAVE_{name}_URL"), format!("http://{address}"));
            }
        }
    }

    fn stream(&self, variables: &mut Variables) {
        let MediaWiring {
            name,
            control_url,
            recordings,
        } = &self.media;
        variables.set("AIRWAVE_STREAM_HOOKS_ADDR", self.ports.hooks());
        variables.set("AIRWAVE_STREAM_HOOK_SECRET", &self.secrets.hook);
        variables.set("AIRWAVE_STREAM_KEY_SECRET", &self.secrets.stream_key);
        variables.set(
            "AIRWAVE_STREAM_MEDIA_NODES",
            format!("{name}={control_url}|{}", self.public.origin),
        );
        variables.set("AIRWAVE_STREAM_RTMP_URL", &self.public.rtmp_url);
        variables.set("AIRWAVE_STREAM_RECORDINGS_DIR", recordings.display());
    }

    fn chat(&self, variables: &mut Variables) {
        variables.set("AIRWAVE_MONGODB_URL", &self.mongodb.0);
        variables.set("AIRWAVE_MONGODB_DATABASE", &self.mongodb.1);
    }

    fn gateway(&self, variables: &mut Variables) {
        variables.set("AIRWAVE_GATEWAY_REST_ADDR", self.ports.rest());
        variables.set("AIRWAVE_GATEWAY_SOCKET_ADDR", self.ports.sockets());
        if let Some(web) = &self.public.web {
            variables.set("AIRWAVE_GATEWAY_WEB_DIR", web.display());
        }
    }

    fn bucket(&self, variables: &mut Variables) {
        let (bucket, prefix) = &self.bucket;
        variables.set("AIRWAVE_BUCKET_ENDPOINT", &bucket.endpoint);
        variables.set("AIRWAVE_BUCKET_PUBLIC_ENDPOINT", &bucket.public_endpoint);
        variables.set("AIRWAVE_BUCKET_NAME", &bucket.name);
        variables.set("AIRWAVE_BUCKET_REGION", &bucket.region);
        variables.set("AIRWAVE_BUCKET_KEY_ID", &bucket.key_id);
        variables.set("AIRWAVE_BUCKET_SECRET", &bucket.secret);
        variables.set("AIRWAVE_BUCKET_PREFIX", prefix);
    }
}

#[derive(Default)]
struct Variables(Vec<(String, String)>);

impl Variables {
    /// Sets a variable in place of what it was before.
    fn set(&mut self, name: &str, value: impl ToString) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_string()));
    }
}
