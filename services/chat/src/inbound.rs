//! Every way in: calls and events.

pub mod events;
pub mod rpc;
