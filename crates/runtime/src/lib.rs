//! What every process of the platform does before, beside and after its own work.
//!
//! [`boot()`] is the whole of a service's `main`: it reads the configuration from arguments and environment
//! (one clear line and exit code 78 when a value is missing or impossible), installs the TLS provider, starts
//! logs and traces, tries the cryptography, listens to signals and runs the service; at the end it flushes
//! what was traced. A running service holds a [`Shutdown`], which owns its background tasks; an
//! [`InternalListener`] with `/healthz`, `/readyz` and `/metrics`, fed by [`Health`] and by [`Figures`] of
//! what comes and goes; and, when it answers gRPC, a [`GrpcListener`]. [`identity_sync`] keeps an
//! [`identity::Verifier`] supplied.
//!
//! Nothing here is global except what the process has only one of: the log subscriber, the metrics recorder
//! and the TLS provider. So a test runs several services in one process.

pub mod identity_sync;

mod boot;
mod config;
mod figures;
mod grpc;
mod health;
mod internal;
mod metrics;
mod shutdown;
mod telemetry;

pub use boot::{Command, EXIT_CONFIG, Process, boot};
pub use config::{ConfigError, Environment, GrpcConfig, ProcessConfig, TelemetryConfig};
pub use figures::Figures;
pub use grpc::{GrpcListener, grpc_server};
pub use health::Health;
pub use internal::InternalListener;
pub use metrics::recorder;
pub use shutdown::{Shutdown, Stopped};

/// Installs ring as the TLS provider of the process: with several compiled in, rustls panics at the first use
/// unless one is chosen. Repeats do nothing.
pub fn install_tls_provider() {
    // Fails only when one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
