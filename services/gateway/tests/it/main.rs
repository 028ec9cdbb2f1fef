//! Tests of the gateway over HTTP and, with the official JavaScript client, over sockets. RabbitMQ and Redis
//! are real; the other services are fakes that record their calls.
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
mod live_state;
mod moderation;
mod peers;
mod recent;
mod rest;
mod rooms;
mod sockets;
mod uploads;
mod world;
