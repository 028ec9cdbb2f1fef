//! Short-lived copies in memory of what the store and the peers say, so that a message in a busy room asks
//! neither. Each module documents how long its copies may be out of date.

pub mod access;
pub mod follows;
pub mod latest_seq;
pub mod rooms;

mod refreshing;
