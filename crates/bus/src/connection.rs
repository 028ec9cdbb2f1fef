//! Two supervised connections to the broker.

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

/// How long the broker may take to answer one request.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// Silence after which half a connection is taken for dead, in seconds; the broker proposes 60.
const HEARTBEAT: u16 = 10;
/// The first pause before connecting again; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause before connecting again: a broker that was away for an hour is used again this soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The connections of this process to RabbitMQ. Cheap to clone; it connects again for ever, until every clone
/// is dropped or it is closed.
#[derive(Clone, Debug)]
pub struct Bus {
    name: Arc<str>,
    publishing: Link,
    consuming: Link,
}

impl Bus {
    /// Starts to connect in the background and returns at once. The name shows in the broker's list of
    /// connections. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL cannot be understood.
    pub fn connect(config: &BusConfig, name: &str) -> Result<Self, Error> {
        let mut uri: AMQPUri = config
            .amqp_url
            .expose_secret()
            .parse()
            .map_err(|_| Error::Config("AIRWAVE_AMQP_URL is not an AMQP URL".to_owned()))?;
        uri.query.heartbeat = Some(HEARTBEAT);
        Ok(Self {
            name: name.into(),
            publishing: Link::open(uri.clone(), format!("{name} publishing")),
            consuming: Link::open(uri, format!("{name} consuming")),
        })
    }

    /// Whether both connections are up now.
    pub fn is_connected(&self) -> bool {
        self.publishing.current().is_some() && self.consuming.current().is_some()
    }

    /// Says whether both connections are up, in the form that a readiness check wants.
    ///
    /// # Errors
    /// [`Error::Disconnected`] when one is not.
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

    /// Closes both connections in good order and connects no more.
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

/// One connection that is replaced whenever it fails.
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

    /// The connection, if it is up.
    pub(crate) fn current(&self) -> Option<Arc<Connection>> {
        self.state
            .borrow()
            .clone()
            .filter(|connection| connection.status().connected())
    }

    /// Whether the broker has asked for no more messages: it is short of memory or disk, and reads nothing
    /// that we send.
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
            // The supervisor is gone: closed, and never up again.
            std::future::pending::<()>().await;
        }
    }

    /// Opens a channel on the connection.
    pub(crate) async fn channel(&self) -> Result<Channel, Error> {
        let connection = self.current().ok_or(Error::Disconnected)?;
        within(connection.create_channel()).await
    }

    async fn close(&self) {
        self.supervisor.0.abort();
        if let Some(connection) = self.current() {
            // A broker that does not answer notices the closed socket.
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

/// Ends the supervising task with the last handle.
struct Supervisor(AbortHandle);

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Awaits an answer of the broker, but not for ever.
pub(crate) async fn within<T>(answer: impl Future<Output = lapin::Result<T>>) -> Result<T, Error> {
    match timeout(ANSWER, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::Timeout),
    }
}

async fn supervise(uri: AMQPUri, name: String, state: watch::Sender<Option<Arc<Connection>>>) {
    let mut pause = FIRST_PAUSE;
    let up = gauge!("bus_connected", "connection" => name.clone());
    up.set(0.0);
    loop {
        let properties = ConnectionProperties::default().with_connection_name(name.clone().into());
        match within(Connection::connect_uri(uri.clone(), properties)).await {
            Ok(connection) => {
                tracing::info!(connection = name, "connected to the broker");
                let connection = Arc::new(connection);
                state.send_replace(Some(Arc::clone(&connection)));
                up.set(1.0);
                let reason = end_of(&connection).await;
                state.send_replace(None);
                up.set(0.0);
                counter!("bus_connections_lost_total", "connection" => name.clone()).increment(1);
                tracing::warn!(connection = name, reason, "connection to the broker lost");
                pause = FIRST_PAUSE;
            }
            Err(error) => tracing::warn!(connection = name, %error, "broker unavailable, trying again"),
        }
        sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Waits until the connection has failed, and says why.
async fn end_of(connection: &Connection) -> String {
    let mut events = std::pin::pin!(connection.events_listener());
    let mut looks = interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Error(error)) if !connection.status().connected() => return error.to_string(),
                Some(Event::ConnectionBlocked(reason)) => tracing::warn!(reason, "the broker takes no messages now"),
                Some(Event::ConnectionUnblocked) => tracing::info!("the broker takes messages again"),
                Some(_) => {}
                None => return "ended".to_owned(),
            },
            _ = looks.tick() => if !connection.status().connected() {
                return format!("{:?}", connection.status());
            },
        }
    }
}
