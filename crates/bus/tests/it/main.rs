//! The bus against a real broker and a real database, and against connections that are cut.

#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod consumer;
mod inbox;
mod outages;
mod outbox;
mod proxy;
mod trace;
mod transient;
mod world;
