//! Untrusted images and video files.
//!
//! File names and declared types are ignored. Images are identified by their content, decoded within limits
//! and re-encoded. Videos are inspected by `ffprobe` and rewritten by `ffmpeg`; these child processes are
//! killed after a time limit or when the caller drops the future. The output has none of the input's
//! metadata, such as GPS positions or encoder comments.
//!
//! A result is written to a temporary file, checked, and then renamed, so its final name never refers to an
//! incomplete file.

pub mod image;
pub mod video;
