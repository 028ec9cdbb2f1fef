//! The vocabulary that all services share. Nothing here does I/O or knows a service.
//!
//! | module | contents |
//! | --- | --- |
//! | [`error`], [`field`] | the error that the API returns, and the validation errors in it |
//! | [`id`] | typed ids such as [`UserId`] |
//! | [`node`] | names of media nodes |
//! | [`recording`] | file names of recordings |
//! | [`page`] | pages by number, and cursors |
//! | [`text`] | validation rules for usernames, titles, messages, … |
//! | [`search`] | normalised text for searching |
//! | [`idempotency`] | keys that make retries of a creating request safe |
//! | [`rate`], [`address`] | rate limits, and the networks that they count |
//! | [`clock`] | the wall clock as a parameter |

pub mod address;
pub mod clock;
pub mod error;
pub mod field;
pub mod id;
pub mod idempotency;
pub mod node;
pub mod page;
pub mod rate;
pub mod recording;
pub mod search;
pub mod text;

mod role;

pub use clock::Clock;
pub use error::{Error, ErrorKind};
pub use field::{FieldError, Param};
pub use id::{BroadcastId, CategoryId, NotificationId, StreamId, UserId, VodId};
pub use idempotency::{IdempotencyKey, IdempotentRequest};
pub use node::NodeName;
pub use page::{Cursor, PageInfo, PageRequest};
pub use rate::Rate;
pub use recording::RecordingName;
pub use role::Role;
