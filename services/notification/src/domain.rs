//! What is told to whom, and how far a fan-out has come. No IO.
//!
//! An [`Occasion`] is a fact that users are told of. It becomes one fan-out with one dedupe key, so that a
//! fact heard twice, or told in two events, is one notification. The [`Fanout`] then goes over the followers
//! page by page; what makes that safe to repeat is in [`Fanout::step`] and [`Fanout::advance`].

mod fanout;
mod occasion;

pub use fanout::{Advance, BrokenPage, Fanout, Page, State, Step, retry_delay};
pub use occasion::{Audience, Kind, Occasion, UnknownKind};
