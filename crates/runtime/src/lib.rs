//! The chassis: what every process of the platform does before, beside and after its own work.
//!
//! * [`boot()`] is the whole of a service's `main`: it reads the configuration from arguments and environment
//!   (one clear line and exit code 78 when a value is missing or impossible), installs the TLS provider,
//!   starts logs and traces, tests the cryptography, listens for signals, runs the command, and flushes
//!   traces at the end. [`Cli`] has the subcommands that most services share.
//! * [`Chassis`] is a service with its ports bound and its clients created; [`Chassis::run`] migrates, starts
//!   the service's [`Parts`] and stops them again. [`Process`] is the part of it that does not need the
//!   broker.
//! * [`BasicService`] is all of this for a service that has no settings of its own.
//! * [`Health`] collects each [`Dependency`]; `/healthz`, `/readyz` and `/metrics` answer on the internal
//!   port.
//! * [`Shutdown`] owns the background tasks, including periodic ones ([`Shutdown::every`]).
//! * [`identity_sync`] keeps an [`identity::Verifier`] supplied with keys and revocations.
//!
//! Only the log subscriber, the metrics recorder and the TLS provider are global, so a test can run several
//! services in one process.

pub mod identity_sync;

mod basic;
mod boot;
mod chassis;
mod cli;
mod config;
mod gauges;
mod grpc;
mod health;
mod internal;
mod metrics;
mod process;
mod shutdown;
mod telemetry;

pub use basic::{BasicService, BoundService};
pub use boot::{Command, EXIT_CONFIG, boot};
pub use chassis::{Chassis, Parts};
pub use cli::{Cli, MigrateConfig};
pub use config::{
    BasicConfig, CommonConfig, ConfigError, Environment, GrpcConfig, PeerUrl, ProcessConfig, ServiceConfig,
    TEST_SERVICE_SECRET, TelemetryConfig,
};
pub use gauges::LabelledGauges;
pub use health::{Dependency, Health};
pub use metrics::recorder;
pub use process::Process;
pub use shutdown::{Shutdown, TaskFailed};

/// Installs ring as the TLS provider of the process. With several providers compiled in, rustls panics at its
/// first use unless one is chosen. Idempotent.
pub fn install_tls_provider() {
    // Fails only when a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
