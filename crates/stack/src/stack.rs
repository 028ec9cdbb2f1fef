//! The isolated resources that a test takes from the servers, so that all tests run in parallel.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::media_node::MediaNode;
use crate::server::rabbitmq::Management;
use crate::{database, secret};

/// The addresses and credentials of a running stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stack {
    /// The folder of the servers' data and of files that tests share.
    pub folder: PathBuf,
    /// The maintenance database of PostgreSQL, as its superuser.
    pub postgres_url: String,
    /// Redis. Every test has its own key prefix.
    pub redis_url: String,
    /// RabbitMQ without a virtual host.
    pub amqp_url: String,
    /// The management API of RabbitMQ.
    pub rabbitmq_url: String,
    /// The password of the user `airwave` there.
    pub rabbitmq_password: String,
    /// MongoDB. Every test has its own database.
    pub mongodb_url: String,
    /// The bucket. Every test has its own object prefix.
    pub bucket: BucketSettings,
}

/// The bucket and its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BucketSettings {
    /// The endpoint for services.
    pub endpoint: String,
    /// The endpoint for browsers, for which URLs are presigned.
    pub public_endpoint: String,
    pub name: String,
    pub region: String,
    pub key_id: String,
    pub secret: String,
}

impl Stack {
    /// Creates a database for a test and returns its URL. It is a copy of a template, which `migrate` fills
    /// once per state of the migrations (of `services/NAME` and of all shared crates).
    pub async fn database<E: Into<anyhow::Error>>(
        &self,
        name: &str,
        migrate: impl AsyncFnOnce(String) -> Result<(), E>,
    ) -> Result<String> {
        let key = database::migrations_key(name)?;
        self.database_from(name, &key, migrate).await
    }

    /// Creates a database like [`Stack::database`], from the template with this key.
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

    /// Creates an empty database and returns its URL.
    pub async fn empty_database(&self, name: &str) -> Result<String> {
        database::create(&self.postgres_url, &format!("{name}_{}", secret::unique()), None).await
    }

    /// Creates a virtual host and returns its URL.
    pub async fn vhost(&self) -> Result<String> {
        self.named_vhost(&format!("test-{}", secret::unique())).await
    }

    /// Creates a virtual host unless it exists, and returns its URL.
    pub async fn named_vhost(&self, name: &str) -> Result<String> {
        self.management()?.create_vhost(name).await?;
        Ok(format!("{}/{name}", self.amqp_url))
    }

    /// Makes the broker close the connections of a virtual host (by URL) whose client-provided names begin
    /// with `named`; an empty text means all. Messages in flight are lost. Returns how many were listed; the
    /// list may be slightly out of date.
    pub async fn close_connections(&self, amqp_url: &str, named: &str) -> Result<usize> {
        let (_, vhost) = amqp_url
            .rsplit_once('/')
            .context("an AMQP URL without a virtual host")?;
        self.management()?.close_connections(vhost, named).await
    }

    fn management(&self) -> Result<Management> {
        Management::new(&self.rabbitmq_url, &self.rabbitmq_password)
    }

    /// Returns a unique key prefix.
    #[must_use]
    pub fn redis_prefix(&self) -> String {
        format!("test-{}", secret::unique())
    }

    /// Returns a unique database name.
    #[must_use]
    pub fn mongo_database(&self) -> String {
        format!("test_{}", secret::unique())
    }

    /// Returns a unique object prefix.
    #[must_use]
    pub fn bucket_prefix(&self) -> String {
        format!("test-{}", secret::unique())
    }

    /// Describes a media node for a test. Its addresses are known before it starts.
    pub fn media_node(&self, name: &str, secret: &str) -> Result<MediaNode> {
        MediaNode::for_test(&self.folder.join("tests"), name, secret)
    }
}
