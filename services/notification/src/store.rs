//! Everything that this service stores: one file per family of PostgreSQL tables, and the job queue in Redis.

pub mod fanouts;
pub mod jobs;
pub mod notifications;
pub mod purges;
pub mod queue;
