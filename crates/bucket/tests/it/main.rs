//! The bucket client, tested against a real S3 server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests run in real time")]

mod objects;
mod refusals;

use bucket::{Bucket, BucketConfig};
use secrecy::SecretString;

/// The stack's bucket with a prefix of its own for each test.
async fn config() -> BucketConfig {
    let stack = stack::shared().await.unwrap();
    BucketConfig {
        endpoint: stack.bucket.endpoint.parse().unwrap(),
        public_endpoint: Some(stack.bucket.public_endpoint.parse().unwrap()),
        name: stack.bucket.name.clone(),
        region: stack.bucket.region.clone(),
        key_id: stack.bucket.key_id.clone(),
        secret: SecretString::from(stack.bucket.secret.clone()),
        prefix: stack.bucket_prefix(),
        part_timeout_seconds: 60,
    }
}

async fn bucket() -> Bucket {
    Bucket::new(&config().await).unwrap()
}

/// Bytes without repetition, so that swapped parts are noticed.
fn bytes(length: u32) -> Vec<u8> {
    (0..length)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect()
}

/// Stands for a browser.
fn client() -> reqwest::Client {
    // Fails if another test has installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(20))
        .build()
        .unwrap()
}
