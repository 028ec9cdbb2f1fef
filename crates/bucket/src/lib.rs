//! Objects in Backblaze B2 or any other S3 store.
//!
//! **Verification.** An upload carries our SHA-256 as metadata, and succeeds only if a HEAD request
//! afterwards returns the same size and hash. The hash of a stream is known too late to send, so only its
//! size is compared. Each request also signs the hash of its body, so a store that checks signatures rejects
//! a body that was damaged in transit.
//!
//! **Memory.** Memory use does not depend on the size of a file: parts have 8 MiB, an upload sends two at a
//! time, and a process uploads at most three files at a time. Callers limit the number of concurrent stream
//! uploads. (The default of the S3 crate depends on the machine's free memory and ignores concurrent
//! uploads.)
//!
//! **Versions.** Each key is written once. Versioned stores (B2 always) keep the bytes of overwritten
//! objects, so a retry uses a new key and deletes the previous object by its version.
//!
//! **Errors.** *Missing*, *refused* and *unavailable* are distinct: a suspended account or an exceeded
//! download cap responds with 403, which must not be mistaken for a missing object.

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
