//! MongoDB: what is acknowledged is on the disks of a majority.

use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use mongodb::{Client, Database};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::{Error, MongoConfig, Result};

/// How long finding a server may take; the driver's own 30 s would hold every request that long.
const SELECTION: Duration = Duration::from_secs(2);
/// How long a write may wait for the majority.
const MAJORITY: Duration = Duration::from_secs(3);

/// A MongoDB database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mongo {
    database: Database,
}

impl Mongo {
    /// Builds the client, which connects in the background. Only the name of a `mongodb+srv` URL is looked up
    /// here.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL cannot be understood.
    pub async fn connect(config: &MongoConfig, app_name: &str) -> Result<Self> {
        let invalid = |_| Error::Config("AIRWAVE_MONGODB_URL is not a MongoDB URL".to_owned());
        let mut options = ClientOptions::parse(config.mongodb_url.expose_secret())
            .await
            .map_err(invalid)?;
        options.app_name = Some(app_name.to_owned());
        options.server_selection_timeout = Some(SELECTION);
        options.connect_timeout = Some(SELECTION);
        options.max_pool_size = Some(config.mongodb_pool_size);
        options.write_concern = Some(
            WriteConcern::builder()
                .w(Acknowledgment::Majority)
                .journal(true)
                .w_timeout(MAJORITY)
                .build(),
        );
        let client = Client::with_options(options).map_err(invalid)?;
        Ok(Self {
            database: client.database(&config.mongodb_database),
        })
    }

    /// The database that the configuration names.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Asks the server for an answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Timeout`] when there is none within the limits.
    pub async fn ping(&self) -> Result<()> {
        let asked = self.database.run_command(doc! { "ping": 1 });
        match timeout(SELECTION, async { asked.await }).await {
            Ok(answer) => Ok(answer.map(|_| ())?),
            Err(_) => Err(Error::Timeout("MongoDB did not answer in time".to_owned())),
        }
    }
}
