//! Tests of the stream service on real servers, with nginx-rtmp as the media node and ffmpeg as the encoder.

#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod going_live;
mod hooks;
mod idempotency;
mod keys;
mod leases;
mod lists;
mod owners;
mod pictures;
mod published_counts;
mod reconnecting;
mod replicas;
mod searching;
mod second_publisher;
mod streams;
mod tables;
mod viewers;
mod world;
