//! Every way in: gRPC, the media nodes' hooks, events, and time.

pub mod clock;
pub mod events;
pub mod hooks;
pub mod rpc;
