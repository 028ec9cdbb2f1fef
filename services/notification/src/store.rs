//! Everything that this service keeps: PostgreSQL tables, one file for each family, and the job queue in
//! Redis.

pub mod fanouts;
pub mod jobs;
pub mod notifications;
pub mod purges;
pub mod queue;
