//! Every way in: RPCs, events, jobs and periodic tasks.

pub mod clock;
pub mod events;
pub mod jobs;
pub mod rpc;
