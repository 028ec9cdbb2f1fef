//! Which facts notify which users, and how far a fan-out has come. No IO.
//!
//! An [`Occasion`] is a fact worth notifying users about. It becomes one fan-out with one dedupe key, so a
//! fact that arrives twice, or in two events, still notifies each user once. The [`Fanout`] then walks the
//! followers page by page; [`Fanout::step`] and [`Fanout::advance`] make repeating a page safe.

mod fanout;
mod occasion;

pub use fanout::{Advance, Fanout, FanoutState, FollowerPage, Step, Subject, UnsortedPage, retry_delay};
pub use occasion::{Audience, NotificationKind, Occasion, UnknownKind};
