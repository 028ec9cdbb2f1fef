//! Checks that the deployment files (`.env.example`, Compose, Kubernetes, images) agree with the programs.
//! `deploy/check` validates them against their schemas.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod compose;
mod example;
mod images;
mod kubernetes;
mod programs;
mod trial;

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Reads a file of the checkout.
fn read(path: &str) -> String {
    let path = checkout().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the `NAME=value` lines of an environment file.
fn assignments(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// Asserts that two sets are equal; the failure shows the difference.
fn assert_same<T: Ord + std::fmt::Debug>(what: &str, left: &BTreeSet<T>, right: &BTreeSet<T>) {
    let (only_left, only_right): (Vec<_>, Vec<_>) =
        (left.difference(right).collect(), right.difference(left).collect());
    assert!(
        only_left.is_empty() && only_right.is_empty(),
        "{what}: only in the first: {only_left:?}; only in the second: {only_right:?}"
    );
}

/// Returns the port of `host:port`, or of a URL that ends with one.
fn port(address: &str) -> u16 {
    let port = address.trim_end_matches('/').rsplit(':').next();
    port.and_then(|port| port.parse().ok())
        .unwrap_or_else(|| panic!("{address} has no port"))
}
