//! Tests of the whole platform through its public interfaces: one origin and an RTMP server.

#![expect(clippy::indexing_slicing, reason = "a missing JSON field fails the test")]

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
