//! The PostgreSQL tables of this service, one file per table family, and the view cooldown in Redis.

pub mod copies;
pub mod recordings;
pub mod search;
pub mod views;
pub mod vods;
