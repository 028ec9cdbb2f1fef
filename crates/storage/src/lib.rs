//! Connections to PostgreSQL, Redis and MongoDB.
//!
//! By default the clients of these servers wait forever, and their pools are too large for a small machine.
//! This crate is the only place that opens connections, so every service has the same timeouts and limits.
//!
//! | item | purpose |
//! | --- | --- |
//! | [`Database`] | a PostgreSQL pool whose transactions survive a caller that disconnects |
//! | [`migrate()`] | brings a database up to date, from any number of replicas at once |
//! | [`idempotency`] | makes retries of a creating request safe |
//! | [`list`] | reads a page and the length of the whole list in one statement |
//! | [`Leadership`] | elects one acting replica by an advisory lock |
//! | [`listen()`], [`notify()`] | wake a task when a transaction commits |
//! | [`Redis`] | one multiplexed connection and a key prefix |
//! | [`RateLimiter`], [`RedisBreaker`] | rate limits that replicas share, and their fallback without Redis |
//! | [`Mongo`] | a client that writes to a majority |
//!
//! A server that is unavailable at start is no error: connections are opened on first use, `ping` tells
//! whether the server answers, and calls fail with [`Error::Unavailable`], which clients see as 503.

pub mod idempotency;
pub mod list;

mod breaker;
mod config;
mod database;
mod error;
mod leadership;
mod listen;
mod migrate;
mod mongo;
mod rate_limiter;
mod redis;

pub use breaker::RedisBreaker;
pub use config::{DatabaseConfig, MongoConfig, RedisConfig, SecretUrl};
pub use database::{AsyncFunc, Connection, Database};
pub use deadpool_redis;
pub use diesel_async::AsyncPgConnection;
pub use error::{Error, Result};
pub use leadership::Leadership;
pub use listen::{PgListener, listen, notify};
pub use migrate::{migrate, migrate_when_reachable};
pub use mongo::Mongo;
pub use mongodb;
pub use rate_limiter::RateLimiter;
pub use redis::{Redis, RedisConnection};
