//! The six services: their addresses and their environment.

use std::path::PathBuf;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::port::Port;
use crate::secret;
use crate::stack::BucketSettings;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    Auth,
    Stream,
    Vod,
    Chat,
    Notification,
    Gateway,
}

impl Service {
    /// All services in start order.
    pub const ALL: [Self; 6] = [
        Self::Auth,
        Self::Stream,
        Self::Vod,
        Self::Chat,
        Self::Notification,
        Self::Gateway,
    ];

    /// The services with a PostgreSQL database, which has the service's name.
    pub const WITH_DATABASE: [Self; 4] = [Self::Auth, Self::Stream, Self::Vod, Self::Notification];

    /// Returns the name, which is also that of the binary.
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
    /// Takes the ports from a function, in a fixed order.
    pub fn allocate(mut next: impl FnMut() -> Result<Port>) -> Result<Self> {
        let [mut grpc, mut internal] = [Vec::new(), Vec::new()];
        for service in Service::ALL {
            if service != Service::Gateway {
                grpc.push(next()?);
            }
            internal.push(next()?);
        }
        let grpc = grpc.try_into().ok().context("expected five gRPC ports")?;
        let internal = internal.try_into().ok().context("expected six internal ports")?;
        Ok(Self {
            grpc,
            internal,
            hooks: next()?,
            rest: next()?,
            sockets: next()?,
        })
    }

    /// Returns a service's gRPC address. The gateway has none.
    #[must_use]
    pub fn grpc(&self, service: Service) -> Option<String> {
        self.grpc.get(service as usize).map(Port::address)
    }

    /// Returns the address of a service's health checks and metrics.
    #[must_use]
    pub fn internal(&self, service: Service) -> String {
        self.internal
            .get(service as usize)
            .map(Port::address)
            .unwrap_or_default()
    }

    /// Returns the address at which stream receives the hooks of media nodes.
    #[must_use]
    pub fn hooks(&self) -> String {
        self.hooks.address()
    }

    #[must_use]
    pub fn rest(&self) -> String {
        self.rest.address()
    }

    #[must_use]
    pub fn sockets(&self) -> String {
        self.sockets.address()
    }
}

/// The secrets of one deployment.
#[derive(Debug, Clone)]
pub struct ServiceSecrets {
    /// Services authenticate to one another with it.
    pub service: String,
    /// Authenticates the hooks of media nodes.
    pub hook: String,
    /// Hashes and encrypts stream keys.
    pub stream_key: String,
    /// Signs access tokens: Ed25519, PKCS#8 PEM in base64.
    pub signing_key: String,
}

impl ServiceSecrets {
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

/// The configuration of one deployment's services, for `make run` and the end-to-end tests.
#[derive(Debug)]
pub struct Wiring {
    /// Each database's URL with the service that owns it.
    pub databases: Vec<(Service, String)>,
    /// The URL of Redis, and the deployment's key prefix.
    pub redis: (String, String),
    /// The prefix of the job queue's keys.
    pub queue_prefix: String,
    /// The URL of MongoDB, and the name of the database.
    pub mongodb: (String, String),
    /// The URL of RabbitMQ with the virtual host.
    pub amqp_url: String,
    /// The bucket, and the prefix of the deployment's objects.
    pub bucket: (BucketSettings, String),
    pub secrets: ServiceSecrets,
    pub ports: ServicePorts,
    pub media: MediaWiring,
    pub public: PublicWiring,
    /// Overrides of any service's environment.
    pub variables: Vec<(String, String)>,
}

/// How services reach the media node.
#[derive(Debug, Clone)]
pub struct MediaWiring {
    pub name: String,
    /// The base URL of `/stat` and `/control`.
    pub control_url: String,
    /// The folder of its recordings.
    pub recordings: PathBuf,
}

/// The addresses for browsers and encoders.
#[derive(Debug, Clone)]
pub struct PublicWiring {
    /// The edge's origin, without a trailing slash.
    pub origin: String,
    /// The URL of the RTMP application.
    pub rtmp_url: String,
    /// The folder of the built web client, if any.
    pub web: Option<PathBuf>,
}

impl Wiring {
    /// Returns the command line of a service.
    #[must_use]
    pub fn arguments(&self, service: Service) -> Vec<String> {
        let mut arguments = vec!["serve".to_owned()];
        if service == Service::Vod {
            // One process both serves calls and works on the recordings of the only media node.
            arguments.extend(["--work".to_owned(), self.media.name.clone()]);
        }
        arguments
    }

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
    /// Sets a variable, replacing any earlier value.
    fn set(&mut self, name: &str, value: impl ToString) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_string()));
    }
}
