//! The platform as its users meet it: one origin, an RTMP server, and nothing else.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON answer without the field fails the test"
)]

mod collector;
mod fuzzing;
mod permissions;
mod story;
