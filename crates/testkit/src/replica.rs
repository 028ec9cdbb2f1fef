//! A running instance of a service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use identity::{ServiceName, ServiceTokens};
use primitives::Clock;
use proto::Peer;
use runtime::{Chassis, Health, Shutdown, TEST_SERVICE_SECRET};
use tokio::task::JoinHandle;

use crate::TIMEOUT;

/// How long a stopping replica may finish its work.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// A running instance of a service with the app `A`. Dropping it aborts the service.
pub struct Replica<A> {
    pub app: Arc<A>,
    pub shutdown: Shutdown,
    health: Health,
    bus: Bus,
    task: JoinHandle<anyhow::Result<()>>,
}

impl<A> Replica<A> {
    /// Starts a service that was built on `chassis`; `run` runs it until the shutdown.
    pub fn start<S, F>(
        service: S,
        parts: impl FnOnce(&S) -> (Arc<A>, &Chassis),
        run: impl FnOnce(S, Shutdown) -> F,
    ) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (app, chassis) = parts(&service);
        let (health, bus) = (chassis.process.health.clone(), chassis.bus.clone());
        let shutdown = Shutdown::new(STOP_GRACE);
        let task = tokio::spawn(run(service, shutdown.clone()));
        Self {
            app,
            shutdown,
            health,
            bus,
            task,
        }
    }

    /// Waits until the service is ready and connected to the broker.
    pub async fn ready(self) -> Self {
        let ready = async || self.health.is_ready().await && self.bus.is_connected();
        stack::eventually(TIMEOUT, "the service to be ready", ready)
            .await
            .unwrap();
        self
    }

    /// Stops the service as a signal does, and waits for its end.
    ///
    /// # Errors
    /// The error of the service.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.shutdown.stop();
        tokio::time::timeout(TIMEOUT, &mut self.task).await??
    }
}

impl<A> Drop for Replica<A> {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

/// Returns the service at `addr`, as seen by the calling service.
#[must_use]
pub fn peer(addr: SocketAddr, caller: ServiceName, clock: Clock) -> Peer {
    let tokens = ServiceTokens::new(&TEST_SERVICE_SECRET.into(), None, caller, clock);
    Peer::new(format!("http://{addr}").parse().unwrap(), tokens)
}
