//! What users may send and delete, who moderates, and how a room numbers its messages. No IO.

mod message;
mod moderation;
mod pacing;
mod room;
mod sequence;
mod settings;
mod slow_mode;
mod standing;
mod words;

pub use message::{ClientMessageId, Draft, MessageId, may_delete};
pub use moderation::{Ban, BanOrder, ModerationAction, ModerationContext};
pub use pacing::Pacing;
pub use room::{ChatRoom, DELETED_USER, DELETED_USERNAME};
pub use sequence::{Batch, InsertConflict, InsertOutcome, Settled};
pub use settings::{MessageRejection, SendConditions, Settings, SettingsUpdate};
pub use slow_mode::{LastMessage, check_slow_mode};
pub use standing::{Membership, Standing};
pub use words::BlockedWords;
