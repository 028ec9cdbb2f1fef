//! Every way in: RPCs and events.

pub mod events;
pub mod rpc;
