//! Integration tests: the service, called over gRPC, with real servers.

#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod administration;
mod callers;
mod commands;
mod follows;
mod own_account;
mod password_guessing;
mod schema;
mod sessions;
mod traces;
mod verifiers;
mod world;
