//! Ways in: gRPC, the hooks of media nodes, events, and periodic tasks.

pub mod clock;
pub mod events;
pub mod hooks;
pub mod rpc;
