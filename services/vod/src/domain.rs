//! The rules: what is allowed, and which state follows. No async, no I/O, no SQL, no JSON.

mod container;
mod recording;
mod source;
mod upload_slots;
mod vod;

pub use container::{HEADER_BYTES, is_supported_video};
pub use recording::{
    AttemptFailure, ClaimOutcome, Fenced, JobPolicy, JobState, JobStatus, NotDue, RecordingJob,
};
pub use source::{ImportName, Source, SourceKind};
pub use upload_slots::{MAX_UPLOADS_PER_USER, NoSlot, UploadSlot, UploadSlots};
pub use vod::{
    MAX_VIDEO_PIXELS, MIN_RECORDING_SECONDS, Viewer, Visibility, VodStatus, failure_reason, list_visibility,
    may_change, may_see, thumbnail_time,
};

/// A name in the database that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;
