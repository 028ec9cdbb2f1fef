//! Publishes a test's events through an outbox and a relay, like every service.

use bus::{Bus, BusConfig, Relay};
use proto::events::v1::event::Payload;
use storage::{AsyncPgConnection, Database, DatabaseConfig};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// An outbox with its relay, which stops when this is dropped.
pub struct Outbox {
    pub database: Database,
    pub bus: Bus,
    _stop: DropGuard,
}

impl Outbox {
    /// Starts a relay for a database that contains the tables of the crate `bus`.
    #[must_use]
    pub fn start(database: &DatabaseConfig, bus: &BusConfig) -> Self {
        let database = Database::connect(database).unwrap();
        let bus = Bus::connect(bus, "test").unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(Relay::run(database.clone(), bus.clone(), stop.clone()));
        Self {
            database,
            bus,
            _stop: stop.drop_guard(),
        }
    }

    /// Publishes an event. Returns its id.
    pub async fn emit(&self, payload: Payload, aggregate: i64, version: i64) -> Uuid {
        let emit = async move |conn: &mut AsyncPgConnection| {
            Ok::<_, storage::Error>(bus::emit(conn, payload, aggregate, version).await?)
        };
        self.database.transaction(emit).await.unwrap()
    }
}
