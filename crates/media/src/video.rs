//! Videos: look at a file, rewrite it as an MP4 that plays while it loads, take a picture out of it.

mod probe;
mod process;
mod remux;
mod thumbnail;

pub use probe::{Probe, VideoCodec, probe};
pub use remux::{Remuxed, remux_faststart};
pub use thumbnail::thumbnail;

/// Why a video could not be looked at or rewritten.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No bytes, or only a header: a normal file of a publisher that was refused or left at once.
    #[error("the file holds no media")]
    Empty,
    /// Not a video that we can read; it stays so however often one tries.
    #[error("the file is no readable video: {0}")]
    Broken(String),
    /// The program took longer than its limit and was killed.
    #[error("{0} took too long")]
    TimedOut(&'static str),
    /// The program could not be run, or failed for a reason that is not the file's.
    #[error("{program} failed")]
    Failed {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error("cannot read or write a video file")]
    File(#[from] std::io::Error),
}
