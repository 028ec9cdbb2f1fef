//! MongoDB. A write is acknowledged when a majority of the replica set has it on disk.

use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use mongodb::{Client, Database};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::config::MongoConfig;
use crate::error::{Error, Result};

/// How long the driver searches for a server; its default of 30 s would delay every request that long.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// A MongoDB database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mongo {
    database: Database,
}

impl Mongo {
    /// Creates the client, which connects in the background. Only the host name of a `mongodb+srv` URL is
    /// resolved here.
    ///
    /// # Errors
    /// [`Error::Config`] if the URL is invalid.
    pub async fn connect(config: &MongoConfig, app_name: &str) -> Result<Self> {
        let invalid = |_| Error::Config("AIRWAVE_MONGODB_URL is not a MongoDB URL".to_owned());
        let mut options = ClientOptions::parse(config.mongodb_url.expose_secret())
            .await
            .map_err(invalid)?;
        options.app_name = Some(app_name.to_owned());
        options.server_selection_timeout = Some(SERVER_TIMEOUT);
        options.connect_timeout = Some(SERVER_TIMEOUT);
        options.max_pool_size = Some(config.mongodb_pool_size);
        options.write_concern = Some(
            WriteConcern::builder()
                .w(Acknowledgment::Majority)
                .journal(true)
                .w_timeout(WRITE_TIMEOUT)
                .build(),
        );
        let client = Client::with_options(options).map_err(invalid)?;
        Ok(Self {
            database: client.database(&config.mongodb_database),
        })
    }

    /// Returns the configured database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Checks that the server answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Timeout`].
    pub async fn ping(&self) -> Result<()> {
        let ping = self.database.run_command(doc! { "ping": 1 });
        match timeout(SERVER_TIMEOUT, async { ping.await }).await {
            Ok(answer) => Ok(answer.map(|_| ())?),
            Err(_) => Err(Error::Timeout("MongoDB timed out".to_owned())),
        }
    }
}
