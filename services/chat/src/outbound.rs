//! Every way out that is not our own store.

pub mod follows;
pub mod push;
pub mod stream;
