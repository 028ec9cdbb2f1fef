//! What is allowed, and what state follows. No async, no IO, no SQL, no JSON.

mod container;
mod file_name;
mod recording;
mod source;
mod vod;

pub use container::{HEAD_BYTES, begins_like_a_video};
pub use file_name::RecordingName;
pub use recording::{Claim, Fenced, NotDue, Recording, Setback, State, Work};
pub use source::{ImportName, Source};
pub use vod::{
    MOST_PIXELS, SHORTEST_SECONDS, Status, Viewer, Visibility, failure, list_visibility, may_change, may_see,
    thumbnail_time,
};
