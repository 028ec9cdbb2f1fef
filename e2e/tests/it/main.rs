//! The platform as its users meet it: one origin, an RTMP server, and nothing else.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON answer without the field fails the test"
)]

mod api_reference;
mod chaos;
mod collector;
mod fuzzing;
mod gateways;
mod media_node;
mod permissions;
mod replicas;
mod story;
mod watch_page;
