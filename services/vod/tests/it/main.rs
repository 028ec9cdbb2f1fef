//! The service, tested with real servers and real media.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests run in real time")]

mod calls;
mod changes;
mod copies;
mod faults;
mod importing;
mod lists;
mod migrations;
mod publishing;
mod recording;
mod repeating;
mod searching;
mod sweeping;
mod upload_faults;
mod uploads;
mod world;
