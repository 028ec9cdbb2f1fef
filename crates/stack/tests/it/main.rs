//! Tests against real local servers.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod command;
mod database;
mod edge;
mod fake;
mod media;
mod servers;
