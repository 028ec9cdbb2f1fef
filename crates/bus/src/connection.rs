//! Supervised connections to the broker.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Event};
use metrics::{counter, gauge};
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{interval, sleep, timeout};

use crate::{BusConfig, Error};

/// How long the broker may take to respond to one request.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The heartbeat timeout in seconds; the broker proposes 60.
const HEARTBEAT_SECONDS: u16 = 10;
/// The first delay before reconnecting; doubled up to [`MAX_RECONNECT_DELAY`].
const MIN_RECONNECT_DELAY: Duration = Duration::from_millis(200);
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(5);

/// The connections of this process to RabbitMQ. Cheap to clone; it reconnects until it is closed or every
/// clone is dropped.
#[derive(Clone, Debug)]
pub struct Bus {
    name: Arc<str>,
    publishing: Link,
    consuming: Link,
}

impl Bus {
    /// Starts to connect in the background and returns at once. The name appears in the broker's list of
    /// connections. Must be called in a Tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`] if the URL is malformed.
    pub fn connect(config: &BusConfig, name: &str) -> Result<Self, Error> {
        let mut uri: AMQPUri = config
            .amqp_url
            .expose_secret()
            .parse()
            .map_err(|_| Error::Config("AIRWAVE_AMQP_URL is not an AMQP URL".to_owned()))?;
        uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
        Ok(Self {
            name: name.into(),
            publishing: Link::open(uri.clone(), format!("{name} publishing")),
            consuming: Link::open(uri, format!("{name} consuming")),
        })
    }

    /// Returns whether both connections are up.
    pub fn is_connected(&self) -> bool {
        self.publishing.current().is_some() && self.consuming.current().is_some()
    }

    /// Fails with [`Error::Disconnected`] unless both connections are up, for readiness checks.
    pub async fn ping(&self) -> Result<(), Error> {
        if self.is_connected() {
            Ok(())
        } else {
            Err(Error::Disconnected)
        }
    }

    /// Waits until both connections are up.
    pub async fn connected(&self) {
        self.publishing.connected().await;
        self.consuming.connected().await;
    }

    /// Closes both connections and stops reconnecting.
    pub async fn close(&self) {
        tokio::join!(self.publishing.close(), self.consuming.close());
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn publishing(&self) -> &Link {
        &self.publishing
    }

    pub(crate) fn consuming(&self) -> &Link {
        &self.consuming
    }
}

/// A connection that is replaced whenever it fails.
#[derive(Clone)]
pub(crate) struct Link {
    state: watch::Receiver<Option<Arc<Connection>>>,
    supervisor: Arc<Supervisor>,
}

impl Link {
    fn open(uri: AMQPUri, name: String) -> Self {
        let (sender, state) = watch::channel(None);
        let task = tokio::spawn(supervise(uri, name, sender));
        Self {
            state,
            supervisor: Arc::new(Supervisor(task.abort_handle())),
        }
    }

    /// Returns the connection, if it is up.
    pub(crate) fn current(&self) -> Option<Arc<Connection>> {
        self.state
            .borrow()
            .clone()
            .filter(|connection| connection.status().connected())
    }

    /// Returns whether the broker blocks publishers because it is short of memory or disk space.
    pub(crate) fn is_blocked(&self) -> bool {
        self.current()
            .is_some_and(|connection| connection.status().blocked())
    }

    /// Waits until the connection is up.
    pub(crate) async fn connected(&self) {
        let mut state = self.state.clone();
        loop {
            let up =
                |current: &Option<Arc<Connection>>| current.as_ref().is_some_and(|c| c.status().connected());
            if state.wait_for(up).await.is_ok() {
                return;
            }
            // Closed: the connection never comes back.
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn channel(&self) -> Result<Channel, Error> {
        let connection = self.current().ok_or(Error::Disconnected)?;
        within(connection.create_channel()).await
    }

    async fn close(&self) {
        self.supervisor.0.abort();
        if let Some(connection) = self.current() {
            // A broker that does not respond notices the closed socket.
            let _ = within(connection.close(200, "goodbye".into())).await;
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("up", &self.current().is_some())
            .finish()
    }
}

/// Aborts the supervising task when the last handle is dropped.
struct Supervisor(AbortHandle);

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Awaits a response of the broker for up to [`REQUEST_TIMEOUT`].
pub(crate) async fn within<T>(response: impl Future<Output = lapin::Result<T>>) -> Result<T, Error> {
    match timeout(REQUEST_TIMEOUT, response).await {
        Ok(response) => Ok(response?),
        Err(_) => Err(Error::Timeout),
    }
}

async fn supervise(uri: AMQPUri, name: String, state: watch::Sender<Option<Arc<Connection>>>) {
    let mut delay = MIN_RECONNECT_DELAY;
    let up = gauge!("bus_connected", "connection" => name.clone());
    up.set(0.0);
    loop {
        let properties = ConnectionProperties::default().with_connection_name(name.clone().into());
        match within(Connection::connect_uri(uri.clone(), properties)).await {
            Ok(connection) => {
                tracing::info!(connection = name, "connected to RabbitMQ");
                let connection = Arc::new(connection);
                state.send_replace(Some(Arc::clone(&connection)));
                up.set(1.0);
                let reason = connection_loss(&connection).await;
                state.send_replace(None);
                up.set(0.0);
                counter!("bus_connections_lost_total", "connection" => name.clone()).increment(1);
                tracing::warn!(connection = name, reason, "connection to RabbitMQ lost");
                delay = MIN_RECONNECT_DELAY;
            }
            Err(error) => tracing::warn!(connection = name, %error, "RabbitMQ unavailable, retrying"),
        }
        sleep(delay.mul_f64(rand::random_range(0.5..1.5))).await;
        delay = (delay * 2).min(MAX_RECONNECT_DELAY);
    }
}

/// Waits until the connection has failed and returns the reason.
async fn connection_loss(connection: &Connection) -> String {
    let mut events = std::pin::pin!(connection.events_listener());
    let mut polls = interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Error(error)) if !connection.status().connected() => return error.to_string(),
                Some(Event::ConnectionBlocked(reason)) => {
                    tracing::warn!(reason, "RabbitMQ blocks publishers");
                }
                Some(Event::ConnectionUnblocked) => tracing::info!("RabbitMQ accepts messages again"),
                Some(_) => {}
                None => return "closed".to_owned(),
            },
            _ = polls.tick() => if !connection.status().connected() {
                return format!("{:?}", connection.status());
            },
        }
    }
}
