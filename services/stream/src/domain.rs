//! What is allowed, and what state follows. Nothing here waits, reads a clock or names a table.
//!
//! The cast: a [`StreamKey`] lets an encoder in; a *publish* is one encoder's connection ([`PublishState`]);
//! a *broadcast* is one time on air, made of one publish or of several with short drops between them
//! ([`BroadcastState`]). [`judge`] decides whether a publish is let in, [`reconcile()`] compares what we
//! believe with what the media nodes say.

mod broadcast;
mod curve;
mod file_name;
mod health;
mod key;
mod reconcile;
mod slug;
mod verdict;

pub use broadcast::{BroadcastState, EndReason, PublishState, UnknownState};
pub use curve::{Airing, Curve, Point};
pub use file_name::RecordingName;
pub use health::{Health, Progress, Reading};
pub use key::{InvalidKey, Keyring, PlaybackName, SEALED_OVERHEAD, Secret, StreamKey};
pub use reconcile::{
    Action, ActivePublish, NodeReport, OnAir, Publisher, Rules, View, needs_close_watch, reconcile,
};
pub use slug::slug;
pub use verdict::{Attempt, Refusal, judge};

use primitives::{Role, UserId};

/// Whether a user may change or stop what another user owns.
#[must_use]
pub fn may_manage(user: UserId, role: Role, owner: UserId) -> bool {
    user == owner || role == Role::Admin
}
