//! The bodies, queries and answers of the API: camelCase names, RFC 3339 times, integer ids. An answer is
//! made from the message of the service that owns the row, with no model in between.

#![expect(unreachable_pub, reason = "the types are as visible as this module")]

mod account;
mod broadcast;
mod category;
mod chat;
mod form;
mod moderation;
mod notification;
mod page;
mod problem;
mod stream;
mod user;
mod vod;

pub use account::*;
pub use broadcast::*;
pub use category::*;
pub use chat::*;
pub use moderation::*;
pub use notification::*;
pub use page::*;
pub use problem::*;
pub use stream::*;
pub use user::*;
pub use vod::*;
