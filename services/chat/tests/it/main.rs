//! Tests of the chat service against real servers.

#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access;
mod client;
mod command;
mod cost;
mod listing;
mod moderation;
mod outages;
mod proxy;
mod rooms;
mod sending;
mod settings;
mod transactions;
mod world;
