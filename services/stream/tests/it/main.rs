//! Stories of the stream service: the real service on real servers, with a real nginx-rtmp and ffmpeg as the
//! encoder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod going_live;
mod hooks;
mod keys;
mod leases;
mod lists;
mod owners;
mod peers;
mod pictures;
mod reconnecting;
mod repeating;
mod replicas;
mod searching;
mod second_publisher;
mod streams;
mod tables;
mod told;
mod viewers;
mod world;
