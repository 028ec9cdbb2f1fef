//! The six services as processes, and further instances of one beside them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::child::{Child, Program};
use crate::port::Port;
use crate::progress::Progress;
use crate::service::{Service, Wiring};
use crate::wait;

/// Longest wait for a service to be ready; a debug build on a busy machine takes some seconds.
const READY: Duration = Duration::from_secs(90);
/// A service gives work in progress 20 s.
const STOP: Duration = Duration::from_secs(25);

/// Where the services' programs are, and where they write their logs.
#[derive(Debug, Clone)]
pub struct ServiceFolders {
    /// The built programs, each named like its service.
    pub binaries: PathBuf,
    /// One log for each process.
    pub logs: PathBuf,
}

impl ServiceFolders {
    /// Describes a process of a service under the name that messages and its log use.
    pub(crate) fn program(&self, service: Service, name: &str) -> Program {
        let log = self.logs.join(name).with_extension("log");
        Program::new(name, self.binaries.join(service.name()), log)
    }
}

/// The services' processes, with what they were told.
#[derive(Debug)]
pub struct Services {
    wiring: Wiring,
    folders: ServiceFolders,
    running: Vec<(Service, Child)>,
}

impl Services {
    /// Starts every service from the folder of binaries and waits until each is ready.
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

    /// Returns what they were told.
    #[must_use]
    pub fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// Returns the process of a service.
    pub fn process(&mut self, service: Service) -> Result<&mut Child> {
        let found = self.running.iter_mut().find(|(running, _)| *running == service);
        found
            .map(|(_, child)| child)
            .with_context(|| format!("{} was not started", service.name()))
    }

    /// Returns all processes.
    pub fn processes(&mut self) -> impl Iterator<Item = &mut Child> {
        self.running.iter_mut().map(|(_, child)| child)
    }

    /// Waits until a service that was started again is ready.
    pub async fn ready(&mut self, service: Service) -> Result<()> {
        let internal = self.wiring.ports.internal(service);
        ready(self.process(service)?, &internal).await
    }

    /// Starts one more instance of a service and waits until it is ready. It is told what the first one is
    /// told, but listens on addresses of its own; the variables given here go over that, such as the URL of
    /// another replica that it shall ask.
    pub async fn another(&self, service: Service, variables: &[(&str, String)]) -> Result<Replica> {
        Replica::start(service, &self.wiring, &self.folders, variables).await
    }

    /// Stops all services at once.
    pub async fn stop(mut self) -> Result<()> {
        let stops = self.running.iter_mut().map(|(_, child)| child.stop(STOP));
        futures::future::try_join_all(stops).await.map(drop)
    }
}

/// A further instance of a service; dropping it kills it.
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
        let (environment, ports) = told(service, wiring, variables)?;
        // Ports are unique on this machine, and so are names made of them.
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

    /// Returns one variable of its environment, such as an address that it listens on.
    pub fn variable(&self, name: &str) -> Result<&str> {
        let found = self.environment.iter().find(|(known, _)| known == name);
        let (_, value) = found.with_context(|| format!("{} has no {name}", self.process.name()))?;
        Ok(value)
    }

    /// Returns the process, for tests that hurt it.
    pub fn process(&mut self) -> &mut Child {
        &mut self.process
    }

    /// Waits until it is ready, as after it was started again.
    pub async fn ready(&mut self) -> Result<()> {
        let internal = self.variable("AIRWAVE_INTERNAL_ADDR")?.to_owned();
        ready(&mut self.process, &internal).await
    }

    /// Stops it.
    pub async fn stop(mut self) -> Result<()> {
        self.process.stop(STOP).await
    }
}

/// Variables, by name.
type Environment = Vec<(String, String)>;

/// What one more instance is told, and the ports that it listens on: variables that name an address of one's
/// own end with `_ADDR`.
fn told(service: Service, wiring: &Wiring, variables: &[(&str, String)]) -> Result<(Environment, Vec<Port>)> {
    let (mut environment, mut ports) = (wiring.environment(service), Vec::new());
    for (_, value) in environment.iter_mut().filter(|(name, _)| name.ends_with("_ADDR")) {
        let port = Port::free()?;
        *value = port.address();
        ports.push(port);
    }
    environment.retain(|(known, _)| variables.iter().all(|(name, _)| name != known));
    let given = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    environment.extend(given);
    Ok((environment, ports))
}

async fn ready(process: &mut Child, internal: &str) -> Result<()> {
    let url = format!("http://{internal}/readyz");
    wait::ready(process, READY, async || readyz(&url).await).await
}

/// Tells the answer itself when a service is not ready: it names what is missing.
async fn readyz(url: &str) -> Result<()> {
    let answer = crate::http_client()?.get(url).send().await?;
    let status = answer.status();
    ensure!(
        status.is_success(),
        "{status}: {}",
        answer.text().await.unwrap_or_default()
    );
    Ok(())
}
