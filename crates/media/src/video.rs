//! Videos: probe a file, remux it to a fast-start MP4, extract a thumbnail.

mod probe;
mod process;
mod remux;
mod thumbnail;

pub use probe::{Probe, VideoCodec, probe};
pub use remux::{Remuxed, remux_faststart};
pub use thumbnail::thumbnail;

/// Why a video could not be probed or rewritten.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No bytes, or only a header. A rejected or very short publish leaves a file without media.
    #[error("the file contains no media")]
    Empty,
    /// Not a readable video. A retry does not help.
    #[error("the file is not a readable video: {0}")]
    Broken(String),
    /// The program exceeded its time limit and was killed.
    #[error("{0} timed out")]
    TimedOut(&'static str),
    /// The program could not be run, or was killed by another process.
    #[error("{program} failed")]
    Failed {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read or write a video file")]
    File(#[from] std::io::Error),
}
