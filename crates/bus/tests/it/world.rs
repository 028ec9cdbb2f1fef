//! The environment of each test: its own database, virtual host, bus and connection to the broker.

use std::future::Future;
use std::time::Duration;

use bus::{Bus, BusConfig, Consumer, Delivery, HandlerError, Relay, RetryPolicy};
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use proto::events::v1::event::Payload;
use proto::events::v1::{StreamStarted, UserDeleted};
use storage::{AsyncPgConnection, Database, DatabaseConfig};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// Long enough for a busy machine; a passing test never waits this long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) amqp_url: String,
    pub(crate) bus: Bus,
    pub(crate) stop: CancellationToken,
    broker: Connection,
    _stop: DropGuard,
}

impl World {
    pub(crate) async fn new() -> Self {
        let amqp_url = vhost().await;
        Self::with_bus_url(&amqp_url, &amqp_url).await
    }

    /// The bus and the test reach the broker through different URLs.
    pub(crate) async fn with_bus_url(bus_url: &str, amqp_url: &str) -> Self {
        let stop = CancellationToken::new();
        Self {
            database: database().await,
            amqp_url: amqp_url.to_owned(),
            bus: Bus::connect(&BusConfig::new(bus_url), "test").unwrap(),
            broker: Connection::connect(amqp_url, ConnectionProperties::default())
                .await
                .unwrap(),
            _stop: stop.clone().drop_guard(),
            stop,
        }
    }

    pub(crate) fn relay(&self) {
        tokio::spawn(Relay::run(
            self.database.clone(),
            self.bus.clone(),
            self.stop.clone(),
        ));
    }

    /// Runs a consumer and waits until it consumes.
    pub(crate) async fn consume<H, F>(&self, consumer: Consumer, queue: &str, handler: H)
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        tokio::spawn(consumer.run(self.bus.clone(), self.stop.clone(), handler));
        self.consuming(queue).await;
    }

    /// Runs a consumer that forwards its deliveries.
    pub(crate) async fn collect(&self, queue: &str, keys: &[&str]) -> mpsc::UnboundedReceiver<Delivery> {
        let (sender, deliveries) = mpsc::unbounded_channel();
        let handler = move |delivery| {
            let sender = sender.clone();
            async move { sender.send(delivery).map_err(HandlerError::fail) }
        };
        self.consume(Consumer::new(queue, keys).retry(quick(3)), queue, handler)
            .await;
        deliveries
    }

    pub(crate) async fn consuming(&self, queue: &str) {
        let wait = stack::eventually(TIMEOUT, "the consumer", async || {
            self.queue(queue)
                .await
                .is_some_and(|(_, consumers)| consumers > 0)
        });
        wait.await.unwrap();
    }

    /// Returns how many messages are ready in a queue, and its number of consumers.
    pub(crate) async fn queue(&self, name: &str) -> Option<(u32, u32)> {
        let passive = QueueDeclareOptions::durable().passive();
        let channel = self.channel().await;
        let queue = channel
            .queue_declare(name.into(), passive, FieldTable::default())
            .await
            .ok()?;
        Some((queue.message_count(), queue.consumer_count()))
    }

    pub(crate) async fn take(&self, queue: &str) -> BasicGetMessage {
        let channel = self.channel().await;
        let wait = stack::eventually(TIMEOUT, "a message in the queue", async || {
            channel
                .basic_get(queue.into(), BasicGetOptions { no_ack: true })
                .await
                .unwrap()
        });
        wait.await.unwrap()
    }

    pub(crate) async fn channel(&self) -> Channel {
        self.broker.create_channel().await.unwrap()
    }

    pub(crate) async fn emit(&self, payload: Payload, version: i64) -> Uuid {
        let work = self
            .database
            .transaction(async move |conn| -> Result<Uuid, storage::Error> {
                Ok(bus::emit(conn, payload, 7, version).await?)
            });
        work.await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let sql = sql.to_owned();
        let work = self
            .database
            .transaction(async move |conn: &mut AsyncPgConnection| {
                diesel_async::SimpleAsyncConnection::batch_execute(conn, &sql)
                    .await
                    .map_err(storage::Error::from)
            });
        work.await.unwrap();
    }

    pub(crate) async fn number(&self, expression: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let mut conn = self.database.get().await.unwrap();
        let query = diesel::sql_query(format!("SELECT ({expression}) AS number"));
        query.get_result::<Number>(&mut conn).await.unwrap().number
    }

    pub(crate) async fn outbox(&self) -> i64 {
        self.number("SELECT count(*) FROM outbox").await
    }

    pub(crate) async fn outbox_is_empty(&self) {
        stack::eventually(TIMEOUT, "an empty outbox", async || self.outbox().await == 0)
            .await
            .unwrap();
    }
}

pub(crate) async fn vhost() -> String {
    stack::shared().await.unwrap().vhost().await.unwrap()
}

async fn database() -> Database {
    let migrate = async |url: String| storage::migrate(&DatabaseConfig::new(url), &[bus::MIGRATIONS]).await;
    let url = stack::shared()
        .await
        .unwrap()
        .database("bus", migrate)
        .await
        .unwrap();
    Database::connect(&DatabaseConfig {
        database_pool_size: 4,
        ..DatabaseConfig::new(url)
    })
    .unwrap()
}

/// A short retry delay.
pub(crate) fn quick(attempts: u32) -> RetryPolicy {
    RetryPolicy {
        delays: vec![Duration::from_millis(50)],
        attempts,
    }
}

pub(crate) fn stream_started() -> Payload {
    let title = "A title".to_owned();
    Payload::StreamStarted(StreamStarted {
        stream_id: 7,
        user_id: 1,
        title,
        ..Default::default()
    })
}

pub(crate) fn user_deleted() -> Payload {
    Payload::UserDeleted(UserDeleted { user_id: 1 })
}

/// Waits for the next delivery.
pub(crate) async fn next(deliveries: &mut mpsc::UnboundedReceiver<Delivery>) -> Delivery {
    tokio::time::timeout(TIMEOUT, deliveries.recv())
        .await
        .unwrap()
        .unwrap()
}
