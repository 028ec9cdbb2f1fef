//! The rules: what is allowed, and which state follows. Nothing here waits, reads a clock or names a table.
//!
//! A [`StreamKey`] admits an encoder. A *publish* is one connection of an encoder ([`PublishState`]); a
//! *broadcast* is one time on air, with one publish or with several and short gaps between them
//! ([`BroadcastState`]). [`check_publish`] decides whether an encoder may publish, and [`reconcile()`]
//! compares the stored state with the statistics of the media nodes.

mod broadcast;
mod encoder_health;
mod key;
mod publish_attempt;
mod reconcile;
mod slug;
mod viewer_curve;

pub use broadcast::{BroadcastState, EndReason, PublishRejection, PublishState, StreamStatus, UnknownName};
pub use encoder_health::{EncoderHealth, MediaProgress, MediaReading};
pub use key::{InvalidKey, Keyring, PlaybackName, SEALED_OVERHEAD, StreamKey, StreamSecret};
pub use primitives::RecordingName;
pub use publish_attempt::{PublishAttempt, check_publish};
pub use reconcile::{
    Action, ActivePublish, NodeReport, OnAirState, OngoingBroadcast, Publisher, Timeouts, needs_fast_polling,
    reconcile,
};
pub use slug::slug;
pub use viewer_curve::{ViewerCurves, ViewerSample};

use primitives::{Role, UserId};

/// Returns whether a user may change or stop what `owner` owns.
#[must_use]
pub fn may_manage(user: UserId, role: Role, owner: UserId) -> bool {
    user == owner || role == Role::Admin
}
