//! Everything that this service keeps: PostgreSQL tables, one file for each family, and the view cooldown in
//! Redis.

pub mod copies;
pub mod recordings;
pub mod search;
pub mod views;
pub mod vods;
