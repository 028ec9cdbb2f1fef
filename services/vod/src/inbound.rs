//! Every way in: calls, events, the clock, and the recordings of a media node.

pub mod clock;
pub mod events;
pub mod rpc;
pub mod sweeper;
pub mod worker;
