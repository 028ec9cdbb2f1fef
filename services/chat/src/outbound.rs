//! Every way out that is not our own store.

pub mod push;
pub mod stream;
