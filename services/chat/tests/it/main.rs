//! The chat service against real servers: calls and events in, messages in MongoDB, realtime messages out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod acts;
mod command;
mod cost;
mod moderation;
mod moderator;
mod outages;
mod peers;
mod proxy;
mod rooms;
mod sending;
mod speaking;
mod world;
