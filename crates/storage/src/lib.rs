//! Connections to PostgreSQL, Redis and MongoDB, with every timeout set.
//!
//! The clients of these three wait for ever by default, and their pools have no limits that fit a small
//! machine. This crate is the one place where a connection is built, so that every service has the same
//! deadlines:
//!
//! * [`Database`] is a pool over PostgreSQL. Its [`transaction`](Database::transaction) runs on a task of its
//!   own: a caller that goes away can neither leave half a write behind nor cost the pool a connection.
//! * [`migrate()`] brings a database up to date; any number of replicas may call it at once.
//! * [`idempotency`] lets a client send again a request that makes something, without making it twice.
//! * [`list`] reads a page and the length of the whole list in one statement.
//! * [`Leadership`] elects one acting replica by an advisory lock; [`listen()`] wakes a task on `NOTIFY`.
//! * [`Redis`] is one multiplexed connection for everybody plus a key prefix, with [`RateLimiter`] that replicas
//!   count together, and [`Mongo`] a client that writes with majority.
//!
//! Nothing here fails because a server is away at start: connections are made when first used, `ping` says
//! whether the server answers, and the errors say [`Error::Unavailable`], which a caller sees as 503 and
//! never as a defect of ours.

pub mod idempotency;
pub mod list;

mod config;
mod database;
mod error;
mod leadership;
mod listen;
mod migrate;
mod mongo;
mod rate_limiter;
mod redis;

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
