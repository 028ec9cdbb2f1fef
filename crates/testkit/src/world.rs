//! One test's own servers, token issuer and fake peers.

use bucket::BucketConfig;
use bus::BusConfig;
use diesel_migrations::EmbeddedMigrations;
use identity::TestIssuer;
use primitives::{Role, UserId};
use proto::CallContext;
use secrecy::ExposeSecret;
use stack::Stack;
use storage::{DatabaseConfig, MongoConfig, RedisConfig};

use crate::{Peers, TIMEOUT};

/// The environment of one test. Nothing in it is shared with another test.
pub struct World {
    pub stack: &'static Stack,
    pub bus: BusConfig,
    pub redis: RedisConfig,
    pub issuer: TestIssuer,
    pub peers: Peers,
}

impl World {
    /// Creates a virtual host, a key prefix and an issuer, and starts the fake peers.
    pub async fn new() -> Self {
        runtime::install_tls_provider();
        let stack = stack::shared().await.unwrap();
        let issuer = TestIssuer::new();
        Self {
            stack,
            bus: BusConfig::new(stack.vhost().await.unwrap()),
            redis: RedisConfig::new(&stack.redis_url, stack.redis_prefix()),
            peers: Peers::start(&issuer).await,
            issuer,
        }
    }

    /// Creates a migrated database with a small pool. `name` tells the templates of the services apart.
    pub async fn database(&self, name: &str, migrations: &'static [EmbeddedMigrations]) -> DatabaseConfig {
        let migrate = async move |url: String| storage::migrate(&DatabaseConfig::new(url), migrations).await;
        DatabaseConfig {
            database_pool_size: 5,
            ..DatabaseConfig::new(self.stack.database(name, migrate).await.unwrap())
        }
    }

    /// Returns a database of MongoDB, which is created on its first use.
    #[must_use]
    pub fn mongo(&self) -> MongoConfig {
        MongoConfig::new(&self.stack.mongodb_url, self.stack.mongo_database())
    }

    /// Returns a prefix in the bucket.
    #[must_use]
    pub fn bucket(&self) -> BucketConfig {
        let bucket = &self.stack.bucket;
        BucketConfig {
            public_endpoint: Some(bucket.public_endpoint.parse().unwrap()),
            name: bucket.name.clone(),
            region: bucket.region.clone(),
            key_id: bucket.key_id.clone(),
            secret: bucket.secret.clone().into(),
            prefix: self.stack.bucket_prefix(),
            ..BucketConfig::for_testing(bucket.endpoint.parse().unwrap())
        }
    }

    /// Returns a token of a user named after the id.
    #[must_use]
    pub fn token(&self, user: UserId, role: Role) -> String {
        self.issuer.token(user, &format!("user{user}"), role)
    }
}

/// Returns the context of calls with a user's token, or of a guest.
#[must_use]
pub fn context(user_token: Option<String>) -> CallContext {
    CallContext {
        user_token,
        ..CallContext::background(TIMEOUT)
    }
}

/// Opens a connection for SQL that a service does not offer.
pub async fn sql(database: &DatabaseConfig) -> tokio_postgres::Client {
    let url = database.database_url.expose_secret();
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
