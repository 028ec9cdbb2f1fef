#![doc = include_str!("../README.md")]

mod app;
mod config;
mod domain;
mod event;
mod hub;
mod inbound;
mod outbound;
mod store;

pub use crate::domain::address::{InvalidNetwork, Network};
pub use app::{Service, build, run};
pub use config::{Config, LimitsConfig, PeersConfig, PublicConfig, SocketConfig};

/// The description of the REST API (OpenAPI) as JSON, for a copy in the repository.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn openapi() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&inbound::rest::document())
}

/// The description of the sockets (AsyncAPI) as JSON, for a copy in the repository.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn asyncapi() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&inbound::socket::document())
}
