//! What may be said, deleted and how often, and how a room's messages get their numbers. No IO.

mod message;
mod rate;
mod sequence;
mod turns;

pub use message::{ClientMessageId, Draft, MessageId, may_delete};
pub use rate::Rate;
pub use sequence::{Batch, Conflict, Insert, Settled};
pub use turns::Turns;
