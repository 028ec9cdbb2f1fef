//! Every way out that is not our own store.

pub mod auth;
pub mod media_node;
