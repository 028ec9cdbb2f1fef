//! Tests of the notification service against real servers.

#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod calls;
mod fanout;
mod interplay;
mod queue;
mod world;
