//! The five servers of a stack, started and stopped together.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::child::Child;
use crate::place;
use crate::port::Port;
use crate::progress::Progress;
use crate::secret;
use crate::server::{
    bucket, bucket::Bucket, mongodb::MongoDb, postgres::Postgres, rabbitmq::RabbitMq, redis::Redis,
};
use crate::stack::{BucketSettings, Stack};

/// Passwords of the local servers.
#[derive(Debug, Clone)]
pub struct ServerSecrets {
    /// The password of PostgreSQL's only role.
    pub postgres: String,
    pub redis: String,
    /// The password of RabbitMQ's only user.
    pub rabbitmq: String,
    /// The secret of the bucket's key.
    pub bucket: String,
}

impl ServerSecrets {
    #[must_use]
    pub fn random() -> Self {
        let [postgres, redis, rabbitmq, bucket] = std::array::from_fn(|_| secret::random());
        Self {
            postgres,
            redis,
            rabbitmq,
            bucket,
        }
    }
}

#[derive(Debug)]
pub struct ServerPorts {
    postgres: Port,
    redis: Port,
    amqp: Port,
    management: Port,
    distribution: Port,
    epmd: Port,
    mongodb: Port,
    bucket: Port,
}

impl ServerPorts {
    /// Takes the ports from `next`, in a fixed order.
    pub fn from(mut next: impl FnMut() -> Result<Port>) -> Result<Self> {
        Ok(Self {
            postgres: next()?,
            redis: next()?,
            amqp: next()?,
            management: next()?,
            distribution: next()?,
            epmd: next()?,
            mongodb: next()?,
            bucket: next()?,
        })
    }

    pub fn free() -> Result<Self> {
        Self::from(Port::free)
    }
}

#[derive(Debug)]
pub struct ServersConfig {
    /// Contains their data and configuration.
    pub folder: PathBuf,
    pub logs: PathBuf,
    pub ports: ServerPorts,
    /// Their passwords, which must stay the same for as long as the folder exists.
    pub secrets: ServerSecrets,
    /// Whether PostgreSQL waits for the disk at each commit.
    pub durable: bool,
    /// The address that the bucket listens on; browsers fetch from it.
    pub listen: IpAddr,
    /// The host at which browsers reach the bucket.
    pub public_host: String,
    /// The `airwave-stack` program, which serves the bucket.
    pub program: PathBuf,
}

impl ServersConfig {
    /// Describes servers for tests: free ports, loopback only, no waiting for the disk.
    pub fn for_tests(folder: impl Into<PathBuf>, program: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        Ok(Self {
            logs: folder.join("logs"),
            folder,
            ports: ServerPorts::free()?,
            secrets: ServerSecrets::random(),
            durable: false,
            listen: Ipv4Addr::LOCALHOST.into(),
            public_host: "127.0.0.1".to_owned(),
            program: program.into(),
        })
    }
}

/// The running servers; dropping them kills them.
#[derive(Debug)]
pub struct Servers {
    stack: Stack,
    // In the order in which they stop.
    running: Vec<Child>,
    _ports: ServerPorts,
}

impl Servers {
    /// Starts all servers at once and waits until each is ready.
    pub async fn start(config: ServersConfig, progress: Progress) -> Result<Self> {
        place::passable_folder(&config.folder)?;
        let places = Places::of(&config.folder, &config.logs);
        let parts = config.parts(&places);
        let running = parts.start(&config.ports, progress).await?;
        let stack = parts.stack(&config);
        Ok(Self {
            stack,
            running,
            _ports: config.ports,
        })
    }

    /// Returns the addresses and credentials of the servers.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Returns a server process by name (`postgres`, `redis`, `rabbitmq`, `mongodb`, `s3`), for tests that
    /// disturb it.
    pub fn process(&mut self, name: &str) -> Option<&mut Child> {
        self.running.iter_mut().find(|child| child.name() == name)
    }

    pub fn processes(&mut self) -> impl Iterator<Item = &mut Child> {
        self.running.iter_mut()
    }

    /// Fails with the last lines of its log if a server has ended.
    pub fn must_run(&mut self) -> Result<()> {
        self.running.iter_mut().try_for_each(Child::must_run)
    }

    /// Stops all servers and gives each time to save its data.
    pub async fn stop(mut self) -> Result<()> {
        // RabbitMQ needs its name server (epmd) while it stops.
        let mut rest = self.running.split_off(2);
        let queue = async {
            for child in &mut self.running {
                child.stop(Duration::from_secs(30)).await?;
            }
            Ok(())
        };
        let others = rest.iter_mut().map(|child| child.stop(Duration::from_secs(20)));
        futures::try_join!(queue, futures::future::try_join_all(others)).map(drop)
    }
}

/// A server's folder and its log.
struct Place {
    folder: PathBuf,
    log: PathBuf,
}

struct Places {
    postgres: Place,
    redis: Place,
    rabbitmq: Place,
    mongodb: Place,
    s3: Place,
}

impl Places {
    fn of(folder: &Path, logs: &Path) -> Self {
        let place = |name: &str| Place {
            folder: folder.join(name),
            log: logs.join(name).with_extension("log"),
        };
        let [postgres, redis, rabbitmq, mongodb, s3] =
            ["postgres", "redis", "rabbitmq", "mongodb", "s3"].map(place);
        Self {
            postgres,
            redis,
            rabbitmq,
            mongodb,
            s3,
        }
    }
}

struct Parts<'a> {
    postgres: Postgres<'a>,
    redis: Redis<'a>,
    rabbitmq: RabbitMq<'a>,
    mongodb: MongoDb<'a>,
    bucket: Bucket<'a>,
}

impl ServersConfig {
    fn parts<'a>(&'a self, places: &'a Places) -> Parts<'a> {
        let Self { ports, secrets, .. } = self;
        Parts {
            postgres: Postgres {
                folder: &places.postgres.folder,
                log: &places.postgres.log,
                port: ports.postgres.number(),
                password: &secrets.postgres,
                durable: self.durable,
            },
            redis: Redis {
                folder: &places.redis.folder,
                log: &places.redis.log,
                port: ports.redis.number(),
                password: &secrets.redis,
            },
            rabbitmq: RabbitMq {
                folder: &places.rabbitmq.folder,
                log: &places.rabbitmq.log,
                amqp_port: ports.amqp.number(),
                management_port: ports.management.number(),
                distribution_port: ports.distribution.number(),
                epmd_port: ports.epmd.number(),
                password: &secrets.rabbitmq,
            },
            mongodb: MongoDb {
                folder: &places.mongodb.folder,
                log: &places.mongodb.log,
                port: ports.mongodb.number(),
            },
            bucket: Bucket {
                program: &self.program,
                folder: &places.s3.folder,
                log: &places.s3.log,
                listen: self.listen,
                port: ports.bucket.number(),
                secret: &secrets.bucket,
            },
        }
    }
}

impl Parts<'_> {
    /// Returns the processes in the order in which they stop.
    async fn start(&self, ports: &ServerPorts, progress: Progress) -> Result<Vec<Child>> {
        let (postgres, redis, [node, epmd], mongodb, bucket) = futures::try_join!(
            report(progress, "PostgreSQL", &ports.postgres, self.postgres.start()),
            report(progress, "Redis", &ports.redis, self.redis.start()),
            report(progress, "RabbitMQ", &ports.amqp, self.rabbitmq.start()),
            report(progress, "MongoDB", &ports.mongodb, self.mongodb.start()),
            report(progress, "The bucket", &ports.bucket, self.bucket.start()),
        )?;
        Ok(vec![node, epmd, postgres, redis, mongodb, bucket])
    }

    fn stack(&self, config: &ServersConfig) -> Stack {
        let ServersConfig { ports, secrets, .. } = config;
        Stack {
            folder: config.folder.clone(),
            postgres_url: self.postgres.url("postgres"),
            redis_url: self.redis.url(),
            amqp_url: self.rabbitmq.amqp_url(),
            rabbitmq_url: self.rabbitmq.management_url(),
            rabbitmq_password: secrets.rabbitmq.clone(),
            mongodb_url: self.mongodb.url(),
            bucket: BucketSettings {
                endpoint: format!("http://{}", ports.bucket.address()),
                public_endpoint: format!("http://{}:{}", config.public_host, ports.bucket.number()),
                name: bucket::NAME.to_owned(),
                region: "us-east-1".to_owned(),
                key_id: bucket::KEY_ID.to_owned(),
                secret: secrets.bucket.clone(),
            },
        }
    }
}

/// Awaits the start of a server and reports its address.
async fn report<T>(
    progress: Progress,
    name: &str,
    port: &Port,
    start: impl Future<Output = Result<T>>,
) -> Result<T> {
    let started = start.await.with_context(|| format!("cannot start {name}"))?;
    progress.step(format!("{name} is ready on {}", port.address()));
    Ok(started)
}
