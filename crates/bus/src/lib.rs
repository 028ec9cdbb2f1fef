//! Publishes durable events through an outbox, consumes them with an inbox, and carries realtime messages.
//!
//! ```text
//! transaction ─emit─▶ outbox ─Relay─▶ airwave.events ─┬▶ Consumer's durable queue ─▶ handler ─▶ inbox + effect
//!                                                     └▶ Listener's transient queue, one per replica
//! Realtime::publish ─▶ airwave.realtime ─▶ RealtimeSubscriber's transient queue, bound to its keys
//! ```
//!
//! * [`emit`] writes an event in the transaction that causes it. [`Relay`] publishes it and deletes the row
//!   after the broker's confirm, so a crash may repeat an event but never loses one.
//! * [`Consumer`] has a durable queue that all replicas of a service share. Its handler returns `Ok`, a retry
//!   (delayed, bounded) or a failure (dead letter), and uses [`inbox_claim`] to have its effect once. Events
//!   arrive in no particular order: a handler ignores versions of an aggregate older than the latest it saw.
//! * [`Listener`] receives the same events through a queue that lives as long as its connection. It reports
//!   each connection, after which its owner fetches what it missed.
//! * [`Realtime`] and [`RealtimeSubscriber`] carry messages that a later message or a read makes up for: no
//!   confirms, no persistence, dropped while the broker is unavailable.
//!
//! [`Bus`] has two connections, one to publish and one to consume: a broker that is short of memory or disk
//! space stops reading from connections that publish, and acknowledgements must still arrive. It does not use
//! lapin's recovery, which gives up after some attempts. Instead, a failed connection is replaced, and its
//! users declare their channels, queues and bindings again.

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
pub use consumer::{Consumer, Delivery, HandlerError, RetryPolicy};
pub use error::Error;
pub use inbox::{inbox_claim, inbox_prune};
pub use listener::{Listener, ListenerEvent};
pub use outbox::{Backlog, emit};
pub use realtime::Realtime;
pub use relay::Relay;
pub use subscriber::{KeyBindings, RealtimeSubscriber, SubscriberEvent};

/// The tables `outbox` and `inbox`. Run before the service's own migrations.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
