//! Every way in: calls, events, jobs and the clock.

pub mod clock;
pub mod events;
pub mod jobs;
pub mod rpc;
