//! Entry points: calls, events, periodic tasks, and the recordings of a media node.

pub mod clock;
pub mod events;
pub mod rpc;
pub mod sweeper;
pub mod worker;
