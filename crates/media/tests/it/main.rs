//! Video functions, tested with files that ffmpeg encodes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod video;
