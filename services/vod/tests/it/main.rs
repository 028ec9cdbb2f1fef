//! The service as its peers meet it: real servers, real media, one story a file.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod calls;
mod changes;
mod copies;
mod faults;
mod importing;
mod migrations;
mod peers;
mod publishing;
mod recording;
mod repeating;
mod searching;
mod sweeping;
mod uploads;
mod world;
