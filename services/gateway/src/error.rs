//! Why the gateway does not start. What goes wrong in a request is a [`primitives::Error`] of the service
//! that was asked, and gets its status in `inbound/rest/problem.rs`.

use runtime::ConfigError;

/// The gateway can not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A port is taken, or a listener does not start.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// What it should listen on.
        addr: std::net::SocketAddr,
        /// Why it does not.
        source: std::io::Error,
    },
    /// Redis can not be used with this configuration.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// The bus can not be used with this configuration.
    #[error(transparent)]
    Bus(#[from] bus::Error),
}
