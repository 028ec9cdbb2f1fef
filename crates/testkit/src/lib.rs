//! What the tests of several services share.
//!
//! | module | contents |
//! | --- | --- |
//! | [`world`] | one test's own servers as configuration, its token issuer and its fake peers |
//! | [`peers`] | fake auth and stream services |
//! | [`grpc`] | server traits whose methods respond "unimplemented" by default, for more fakes |
//! | [`replica`] | a running service: start, wait until it is ready, call, stop |
//! | [`log`] | events and realtime messages, collected for assertions |
//! | [`outbox`] | publishes a test's events |

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests run in real time")]

pub mod grpc;
pub mod log;
pub mod outbox;
pub mod peers;
pub mod replica;
pub mod world;

use std::time::Duration;

pub use log::{EventLog, RealtimeLog};
pub use outbox::Outbox;
pub use peers::Peers;
pub use replica::{Replica, peer};
pub use world::{World, context, sql};

/// Generous for a busy machine; a passing test never waits this long.
pub const TIMEOUT: Duration = Duration::from_secs(40);
