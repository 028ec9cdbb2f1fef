//! The processes of the six services and of further replicas.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::child::{Child, Program};
use crate::port::Port;
use crate::progress::Progress;
use crate::service::{Service, Wiring};
use crate::wait;

/// A debug build on a busy machine takes some seconds to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(90);
/// Services give running work 20 s to finish.
const STOP_TIMEOUT: Duration = Duration::from_secs(25);

#[derive(Debug, Clone)]
pub struct ServiceFolders {
    /// The built programs, named like their services.
    pub binaries: PathBuf,
    /// Receives one log file per process.
    pub logs: PathBuf,
}

impl ServiceFolders {
    /// Describes a process of a service. `name` appears in messages and names the log file.
    pub(crate) fn program(&self, service: Service, name: &str) -> Program {
        let log = self.logs.join(name).with_extension("log");
        Program::new(name, self.binaries.join(service.name()), log)
    }
}

/// The services' processes and their configuration.
#[derive(Debug)]
pub struct Services {
    wiring: Wiring,
    folders: ServiceFolders,
    running: Vec<(Service, Child)>,
}

impl Services {
    /// Starts every service and waits until all are ready.
    pub async fn start(wiring: Wiring, folders: ServiceFolders, progress: Progress) -> Result<Self> {
        let mut running = Vec::new();
        for service in Service::ALL {
            let program = folders
                .program(service, service.name())
                .args(wiring.arguments(service))
                .envs(wiring.environment(service));
            running.push((service, program.start()?));
        }
        let ready = running.iter_mut().map(async |(service, child)| {
            ready(child, &wiring.ports.internal(*service)).await?;
            progress.step(format!("{} is ready", service.name()));
            anyhow::Ok(())
        });
        futures::future::try_join_all(ready).await?;
        Ok(Self {
            wiring,
            folders,
            running,
        })
    }

    #[must_use]
    pub fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    pub fn process(&mut self, service: Service) -> Result<&mut Child> {
        let found = self.running.iter_mut().find(|(running, _)| *running == service);
        found
            .map(|(_, child)| child)
            .with_context(|| format!("{} was not started", service.name()))
    }

    pub fn processes(&mut self) -> impl Iterator<Item = &mut Child> {
        self.running.iter_mut().map(|(_, child)| child)
    }

    /// Waits until a restarted service is ready.
    pub async fn ready(&mut self, service: Service) -> Result<()> {
        let internal = self.wiring.ports.internal(service);
        ready(self.process(service)?, &internal).await
    }

    /// Starts another replica of a service and waits until it is ready. It has the first replica's
    /// environment, but its own addresses. `variables` override the environment, for example with the URL of another
    /// replica.
    pub async fn start_replica(&self, service: Service, variables: &[(&str, String)]) -> Result<Replica> {
        Replica::start(service, &self.wiring, &self.folders, variables).await
    }

    /// Stops all services concurrently.
    pub async fn stop(mut self) -> Result<()> {
        let stops = self.running.iter_mut().map(|(_, child)| child.stop(STOP_TIMEOUT));
        futures::future::try_join_all(stops).await.map(drop)
    }
}

/// An additional process of a service; dropping it kills the process.
#[derive(Debug)]
pub struct Replica {
    process: Child,
    environment: Vec<(String, String)>,
    _ports: Vec<Port>,
}

impl Replica {
    async fn start(
        service: Service,
        wiring: &Wiring,
        folders: &ServiceFolders,
        variables: &[(&str, String)],
    ) -> Result<Self> {
        let (environment, ports) = replica_environment(service, wiring, variables)?;
        // The port makes the name unique on this machine.
        let number = ports.first().map(Port::number).unwrap_or_default();
        let program = folders
            .program(service, &format!("{}-{number}", service.name()))
            .args(wiring.arguments(service))
            .envs(environment.iter().cloned());
        let mut replica = Self {
            process: program.start()?,
            environment,
            _ports: ports,
        };
        replica.ready().await?;
        Ok(replica)
    }

    /// Returns a variable of its environment, such as one of its addresses.
    pub fn variable(&self, name: &str) -> Result<&str> {
        let found = self.environment.iter().find(|(known, _)| known == name);
        let (_, value) = found.with_context(|| format!("{} has no {name}", self.process.name()))?;
        Ok(value)
    }

    /// Returns the process, for tests that interfere with it.
    pub fn process(&mut self) -> &mut Child {
        &mut self.process
    }

    /// Waits until it is ready, for example after a restart.
    pub async fn ready(&mut self) -> Result<()> {
        let internal = self.variable("AIRWAVE_INTERNAL_ADDR")?.to_owned();
        ready(&mut self.process, &internal).await
    }

    pub async fn stop(mut self) -> Result<()> {
        self.process.stop(STOP_TIMEOUT).await
    }
}

/// Names and values of environment variables.
type Environment = Vec<(String, String)>;

/// Returns the environment of a replica and its reserved ports. Every variable that ends with `_ADDR` gets a
/// free port.
fn replica_environment(
    service: Service,
    wiring: &Wiring,
    variables: &[(&str, String)],
) -> Result<(Environment, Vec<Port>)> {
    let (mut environment, mut ports) = (wiring.environment(service), Vec::new());
    for (_, value) in environment.iter_mut().filter(|(name, _)| name.ends_with("_ADDR")) {
        let port = Port::free()?;
        *value = port.address();
        ports.push(port);
    }
    environment.retain(|(known, _)| variables.iter().all(|(name, _)| name != known));
    let overrides = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    environment.extend(overrides);
    Ok((environment, ports))
}

async fn ready(process: &mut Child, internal: &str) -> Result<()> {
    let url = format!("http://{internal}/readyz");
    wait::ready(process, READY_TIMEOUT, async || readyz(&url).await).await
}

/// Fails with the response body, which names the missing dependency.
async fn readyz(url: &str) -> Result<()> {
    let response = crate::http_client()?.get(url).send().await?;
    let status = response.status();
    ensure!(
        status.is_success(),
        "{status}: {}",
        response.text().await.unwrap_or_default()
    );
    Ok(())
}
