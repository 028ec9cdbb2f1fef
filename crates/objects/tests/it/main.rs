//! The object ledger and the image store, tested against a real database and a real bucket.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests run in real time")]

mod images;
mod ledger;
mod migrations;
mod world;
