//! Objects in Backblaze B2 or any other S3 store.
//!
//! The bucket is not trusted to have kept what it was sent: an upload carries our SHA-256 as metadata, and is
//! believed only when a HEAD afterwards tells the same size and the same hash (of a stream, whose hash is
//! known too late, the size alone). Each request's body is also signed by its hash, so a store that checks
//! signatures refuses a body that was damaged on the way.
//!
//! Memory stays bounded whatever the size of a file: parts of 8 MiB, two at once for an upload, and three
//! uploads of files at once in a process; who uploads streams bounds their number. (The S3 crate's own
//! default sizes itself by the machine's free memory and knows nothing of its siblings.)
//!
//! A key is written once. Stores with versions (B2 always) keep the bytes of an overwritten object for ever,
//! so a retry takes a new key and deletes what its predecessor left, naming the version.
//!
//! *Missing*, *refused* and *unavailable* are three answers: a suspended account or a download cap answers
//! 403, which must never be read as "the object is gone".

mod config;
mod download;
mod error;
mod object;
mod upload;

mod client;

pub use client::Bucket;
pub use config::{BucketConfig, InvalidBucket};
pub use error::Error;
pub use object::{Head, Presigned, Stored, needs_renewal};
