//! Objects and pictures on a real database and a real bucket.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ledger;
mod pictures;
mod world;
