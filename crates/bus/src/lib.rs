//! Durable events through an outbox, consumers with an inbox, and realtime messages.
//!
//! ```text
//!  a transaction ─emit─▶ outbox ─Relay─▶ exchange airwave.events ─▶ queue of each Consumer ─▶ handler ─▶ inbox + effect
//!                                                    └─────────────▶ queue of each Listener (one per replica, transient)
//!  Realtime::publish ─▶ exchange airwave.realtime ─▶ queue of each RealtimeSubscriber (bound to the keys it wants)
//! ```
//!
//! * [`emit`] writes the event in the transaction that makes it true. [`Relay`] publishes it with confirms
//!   and deletes the row after the confirm: a crash means a repeat, never a loss.
//! * [`Consumer`] has a durable queue that all replicas of a service share. Its handler answers `Ok`, retry
//!   (delayed, bounded) or fail (dead letter), and makes the effect happen once with [`inbox_claim`]. No
//!   order is promised: a handler ignores a version of an aggregate that it has passed.
//! * [`Listener`] hears the same events with a queue that lives as long as its connection; after each
//!   connecting it says so, and its owner asks for what was missed.
//! * [`Realtime`] and [`RealtimeSubscriber`] are for what a later message or a read repairs: no confirms, no
//!   disk, dropped when the broker is away.
//!
//! [`Bus`] keeps two connections alive for ever, one to publish and one to consume, because a broker that is
//! out of memory or disk stops reading from those that publish, and acknowledgements must still come through.
//! lapin's own recovery is not used: it gives up after some attempts and leaves a connection that is dead for
//! good. Here a connection that fails is replaced by a new one, and each user builds its channel, queues and
//! bindings anew on it.

mod config;
mod connection;
mod consumer;
mod error;
mod event;
mod headers;
mod inbox;
mod listener;
mod outbox;
mod publisher;
mod realtime;
mod relay;
mod schema;
mod subscriber;
mod topology;
mod transient;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use config::BusConfig;
pub use connection::Bus;
pub use consumer::{Consumer, Delivery, Failure, Retry};
pub use error::Error;
pub use inbox::{inbox_claim, inbox_prune};
pub use listener::{Heard, Listener};
pub use outbox::{Backlog, emit};
pub use realtime::Realtime;
pub use relay::Relay;
pub use subscriber::{Bindings, RealtimeHeard, RealtimeSubscriber};

/// The tables `outbox` and `inbox`, to be migrated before the service's own.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
