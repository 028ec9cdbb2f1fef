//! Everything that enters the service: gRPC calls and periodic tasks.

pub mod clock;
pub mod rpc;
