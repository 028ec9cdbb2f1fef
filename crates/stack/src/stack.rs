//! What a test takes from the servers: things of its own, so that all tests run side by side.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::media_node::MediaNode;
use crate::server::rabbitmq::Management;
use crate::{database, secret};

/// How to reach a running stack, and what makes room for a test in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stack {
    /// The folder of the servers' data, and of what tests want to share.
    pub folder: PathBuf,
    /// The maintenance database of PostgreSQL, as its superuser.
    pub postgres_url: String,
    /// Redis; every key of a test begins with a prefix of its own.
    pub redis_url: String,
    /// RabbitMQ without a virtual host.
    pub amqp_url: String,
    /// The management API of RabbitMQ.
    pub rabbitmq_url: String,
    /// The password of the user `airwave` there.
    pub rabbitmq_password: String,
    /// MongoDB; every test has a database of its own.
    pub mongodb_url: String,
    /// The bucket; every object of a test begins with a prefix of its own.
    pub bucket: BucketSettings,
}

/// The bucket and its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BucketSettings {
    /// The endpoint for services.
    pub endpoint: String,
    /// The endpoint for browsers, which presigned URLs are signed for.
    pub public_endpoint: String,
    /// The bucket's name.
    pub name: String,
    /// The region that signatures name.
    pub region: String,
    /// The key's id.
    pub key_id: String,
    /// The key's secret.
    pub secret: String,
}

impl Stack {
    /// Makes a database for one test: a copy of a template that `migrate` has filled once for this state of
    /// the migrations (of `services/NAME` and of all shared crates). Returns its URL.
    pub async fn database<E: Into<anyhow::Error>>(
        &self,
        name: &str,
        migrate: impl AsyncFnOnce(String) -> Result<(), E>,
    ) -> Result<String> {
        let key = database::migrations_key(name)?;
        self.database_from(name, &key, migrate).await
    }

    /// Makes a database as [`Stack::database`] does, from the template that this key names.
    pub async fn database_from<E: Into<anyhow::Error>>(
        &self,
        name: &str,
        key: &str,
        migrate: impl AsyncFnOnce(String) -> Result<(), E>,
    ) -> Result<String> {
        let template = database::template(&self.postgres_url, name, key, migrate).await?;
        let database = format!("{name}_{}", secret::unique());
        database::create(&self.postgres_url, &database, Some(&template)).await
    }

    /// Makes an empty database and returns its URL.
    pub async fn empty_database(&self, name: &str) -> Result<String> {
        database::create(&self.postgres_url, &format!("{name}_{}", secret::unique()), None).await
    }

    /// Makes a virtual host and returns its URL.
    pub async fn vhost(&self) -> Result<String> {
        self.named_vhost(&format!("test-{}", secret::unique())).await
    }

    /// Makes a virtual host of this name, unless it is there, and returns its URL.
    pub async fn named_vhost(&self, name: &str) -> Result<String> {
        self.management()?.make_vhost(name).await?;
        Ok(format!("{}/{name}", self.amqp_url))
    }

    /// Has the broker close connections of one virtual host, by its URL: those whose client gave them a name
    /// that begins so (all, when that is empty). What was on its way over them is lost. Answers how many were
    /// listed; the list is a moment behind.
    pub async fn close_connections(&self, amqp_url: &str, named: &str) -> Result<usize> {
        let (_, vhost) = amqp_url
            .rsplit_once('/')
            .context("an AMQP URL without a virtual host")?;
        self.management()?.close_connections(vhost, named).await
    }

    fn management(&self) -> Result<Management> {
        Management::new(&self.rabbitmq_url, &self.rabbitmq_password)
    }

    /// Returns a key prefix that no other test has.
    #[must_use]
    pub fn redis_prefix(&self) -> String {
        format!("test-{}", secret::unique())
    }

    /// Returns a database name that no other test has.
    #[must_use]
    pub fn mongo_database(&self) -> String {
        format!("test_{}", secret::unique())
    }

    /// Returns an object prefix that no other test has.
    #[must_use]
    pub fn bucket_prefix(&self) -> String {
        format!("test-{}", secret::unique())
    }

    /// Describes a media node for one test; its addresses are known before it is started.
    pub fn media_node(&self, name: &str, secret: &str) -> Result<MediaNode> {
        MediaNode::for_test(&self.folder.join("tests"), name, secret)
    }
}
