//! The gateway as its clients meet it: HTTP by hand, sockets by the official JavaScript client; RabbitMQ is
//! real, and the services behind are small stand-ins that remember what they were asked.
#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod admission;
mod asyncapi;
mod bad_bodies;
mod bad_requests;
mod bad_sockets;
mod client;
mod drain;
mod edge;
mod limits;
mod moderation;
mod peers;
mod recent;
mod rest;
mod rooms;
mod sockets;
mod uploads;
mod world;
