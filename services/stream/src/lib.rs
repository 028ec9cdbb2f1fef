//! Streams, broadcasts, stream keys, the media nodes' hooks, and viewers.

pub mod domain;
