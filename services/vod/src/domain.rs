//! What is allowed, and what state follows. No async, no IO, no SQL, no JSON.

mod file_name;
mod recording;
mod vod;

pub use file_name::RecordingName;
pub use recording::{Claim, Fenced, NotDue, Recording, Setback, State, Work};
pub use vod::{SHORTEST_SECONDS, Status, Viewer, failure, may_change, may_see, thumbnail_time};
