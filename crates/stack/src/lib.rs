//! The local servers as child processes, for `make run`, the tests and the benches.
//!
//! Every server is real, with its own folder, port and configuration, and none outlives the process that
//! started it. A test gets the stack of its run from [`shared()`] and takes isolated resources from it:
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let stack = stack::shared().await?;
//! let database = stack.database("auth", async |url| migrate(url).await).await?;
//! let vhost = stack.vhost().await?;
//! let prefix = stack.redis_prefix();
//! # Ok(()) }
//! # async fn migrate(_: String) -> anyhow::Result<()> { Ok(()) }
//! ```
//!
//! `airwave-stack test -- COMMAND` runs a command with its own stack. Without it the first test process starts
//! a background stack, which stops some minutes after its last user.

#![expect(
    clippy::disallowed_methods,
    reason = "the local servers run in real time, outside any test's clock"
)]

pub mod background;
pub mod child;
pub mod demo;
pub mod edge;
pub mod media_node;
pub mod place;
pub mod platform;
pub mod port;
pub mod progress;
pub mod publisher;
pub mod run;
pub mod s3;
pub mod schema;
pub mod secret;
pub mod servers;
pub mod service;
pub mod services;
pub mod template;

mod database;
mod mongo_wire;
mod nginx;
mod secrets_file;
mod server;
mod shared;
mod spawner;
mod sql;
mod stack;
mod wait;

pub use edge::{Edge, EdgeConfig};
pub use media_node::MediaNode;
pub use platform::{Platform, PlatformOptions};
pub use publisher::Publisher;
pub use servers::{Servers, ServersConfig};
pub use service::Service;
pub use services::{Replica, ServiceFolders, Services};
pub use shared::{Background, VARIABLE, program, shared};
pub use stack::{BucketSettings, Stack};
pub use wait::{Outcome, eventually};

/// Creates an HTTP client with a timeout of 20 s. Installs a TLS provider if the process has none.
pub fn http_client() -> anyhow::Result<reqwest::Client> {
    // Fails if the process already has a provider, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(20))
        .no_proxy();
    Ok(client.build()?)
}
