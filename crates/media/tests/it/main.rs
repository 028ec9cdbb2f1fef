//! Video functions, tested with files that ffmpeg encodes.
#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod video;
