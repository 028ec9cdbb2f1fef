//! What may be said, deleted and how often, who moderates, and how a room's messages get their numbers. No
//! IO.

mod message;
mod moderation;
mod sequence;
mod settings;
mod slow;
mod standing;
mod turns;
mod words;

pub use message::{ClientMessageId, Draft, MessageId, may_delete};
pub use moderation::{Action, Ban, BanOrder};
pub use sequence::{Batch, Conflict, Insert, Settled};
pub use settings::{Conditions, Refusal, Settings, SettingsChange};
pub use slow::{Said, slow_mode};
pub use standing::{Place, Standing};
pub use turns::Turns;
pub use words::BlockedWords;
