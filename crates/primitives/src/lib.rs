//! What several services mean by the same words: ids, roles, times, pages, the closed set of error kinds, and
//! the rules for names and text. Nothing here does IO, and nothing here knows a service.

pub mod address;
pub mod clock;
pub mod error;
pub mod field;
pub mod id;
pub mod idempotency;
pub mod page;
pub mod rate;
pub mod search;
pub mod text;

mod role;

pub use clock::Clock;
pub use error::{Error, ErrorKind};
pub use field::{FieldError, Param};
pub use id::{BroadcastId, CategoryId, NotificationId, StreamId, UserId, VodId};
pub use idempotency::{Attempt, IdempotencyKey};
pub use page::{Cursor, PageInfo, PageRequest};
pub use rate::Rate;
pub use role::Role;
