//! The memory use of uploads and downloads. A separate process, so that nothing else is counted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bucket::{Bucket, BucketConfig};
use secrecy::SecretString;

const FILE_MIB: u64 = 160;
const STREAM_MIB: u64 = 160;

#[tokio::test]
async fn large_files_take_little_memory() {
    let stack = stack::shared().await.unwrap();
    let config = BucketConfig {
        endpoint: stack.bucket.endpoint.parse().unwrap(),
        public_endpoint: None,
        name: stack.bucket.name.clone(),
        region: stack.bucket.region.clone(),
        key_id: stack.bucket.key_id.clone(),
        secret: SecretString::from(stack.bucket.secret.clone()),
        prefix: stack.bucket_prefix(),
        part_timeout_seconds: 60,
    };
    let bucket = Bucket::new(&config).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(FILE_MIB * 1024 * 1024).unwrap();

    let before = peak_resident_mib();
    let key = bucket.key("large.mp4");
    let stored = bucket.put_file(file.path(), &key, "video/mp4").await.unwrap();
    let grown = peak_resident_mib() - before;
    println!("peak resident memory grew by {grown} MiB for a file of {FILE_MIB} MiB");
    assert_eq!(stored.size, FILE_MIB * 1024 * 1024);
    assert!(grown < 80, "{grown} MiB");
    bucket.delete(&key, None).await.unwrap();

    let before = peak_resident_mib();
    let key = bucket.key("sent.mp4");
    let mut sent = tokio::io::AsyncReadExt::take(tokio::io::repeat(7), STREAM_MIB * 1024 * 1024);
    let stored = bucket.put_stream(&mut sent, &key, "video/mp4").await.unwrap();
    let fetched = tempfile::NamedTempFile::new().unwrap();
    let head = bucket.head(&key).await.unwrap();
    let sha256 = bucket.get_file(&key, &head, fetched.path()).await.unwrap();
    let grown = peak_resident_mib() - before;
    println!("peak resident memory grew by {grown} MiB for a stream of {STREAM_MIB} MiB and its download");
    assert_eq!((head.size, sha256), (STREAM_MIB * 1024 * 1024, stored.sha256));
    assert!(grown < 40, "{grown} MiB");
    bucket.delete(&key, None).await.unwrap();
}

fn peak_resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
