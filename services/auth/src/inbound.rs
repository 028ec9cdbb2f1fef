//! Every way in: calls of the other services, and the clock.

pub mod clock;
pub mod rpc;
