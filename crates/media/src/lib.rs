//! Pictures and video files that strangers made.
//!
//! Nothing about a file is taken from its name or from what its sender says of it: pictures are known by
//! their content, decoded within limits and written anew; videos are looked at by `ffprobe` and rewritten by
//! `ffmpeg`, child processes that are killed when they take too long or when nobody waits for them any more.
//! What is written carries none of the metadata of what was read, so neither a phone's position nor an
//! encoder's remarks travel on.
//!
//! A result appears under its name only when it is whole: it is written to a temporary name beside it,
//! checked, and renamed.

pub mod image;
pub mod video;
