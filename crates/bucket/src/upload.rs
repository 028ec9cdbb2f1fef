use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::sync::Semaphore;

use crate::object::{Head, Stored};
use crate::{Bucket, Error};

/// The metadata field of the hash, sent as `x-amz-meta-sha256`.
pub(crate) const HASH_METADATA: &str = "sha256";
/// Limits concurrent file uploads, which take about 50 MiB each.
static UPLOADS: Semaphore = Semaphore::const_new(3);
/// Parts of one upload that are sent concurrently.
const MAX_CONCURRENT_PARTS: usize = 2;
/// An upload whose average rate is lower is aborted.
const MIN_BYTES_PER_SECOND: u64 = 64 * 1024;
const READ_BUFFER: usize = 256 * 1024;

pub(crate) async fn file(
    bucket: &Bucket,
    path: &Path,
    key: &str,
    content_type: &str,
) -> Result<Stored, Error> {
    let _permit = UPLOADS
        .acquire()
        .await
        .map_err(|_| Error::Unavailable("the semaphore is closed".into()))?;
    let (size, sha256) = hash_of(path).await?;
    let mut reader = Hashing::new(open(path).await?);
    let upload = bucket
        .parts
        .put_object_stream_builder(key)
        .with_content_type(content_type)
        .with_metadata(HASH_METADATA, &sha256)?
        .with_max_concurrent_chunks(MAX_CONCURRENT_PARTS)
        .execute_stream(&mut reader);
    let sent = tokio::time::timeout(deadline_for(size), upload).await;
    sent.map_err(|_| Error::Unavailable("the upload was too slow".into()))??;
    if reader.finish().1 != sha256 {
        return Err(Error::Mismatch("the local file changed during the upload".into()));
    }
    verify(bucket, key, size, sha256).await
}

pub(crate) async fn stream(
    bucket: &Bucket,
    reader: &mut (impl AsyncRead + Unpin),
    key: &str,
    content_type: &str,
) -> Result<Stored, Error> {
    let mut reader = Hashing::new(reader);
    bucket
        .parts
        .put_object_stream_builder(key)
        .with_content_type(content_type)
        .with_max_concurrent_chunks(MAX_CONCURRENT_PARTS)
        .execute_stream(&mut reader)
        .await?;
    let (size, sha256) = reader.finish();
    let head = head(bucket, key, size).await?;
    Ok(Stored {
        key: key.to_owned(),
        version_id: head.version_id,
        size,
        sha256,
    })
}

pub(crate) async fn bytes(
    bucket: &Bucket,
    bytes: &[u8],
    key: &str,
    content_type: &str,
) -> Result<Stored, Error> {
    let sha256 = hex::encode(Sha256::digest(bytes));
    let size = bytes.len() as u64;
    let upload = bucket
        .parts
        .put_object_builder(key, bytes)
        .with_content_type(content_type)
        .with_metadata(HASH_METADATA, &sha256)?
        .execute();
    let sent = tokio::time::timeout(deadline_for(size), upload).await;
    sent.map_err(|_| Error::Unavailable("the upload was too slow".into()))??;
    verify(bucket, key, size, sha256).await
}

async fn verify(bucket: &Bucket, key: &str, size: u64, sha256: String) -> Result<Stored, Error> {
    let head = head(bucket, key, size).await?;
    if head.sha256.as_deref() != Some(sha256.as_str()) {
        return Err(Error::Mismatch("the hash differs".into()));
    }
    Ok(Stored {
        key: key.to_owned(),
        version_id: head.version_id,
        size,
        sha256,
    })
}

/// Checks that the object exists with the expected size. The response to the upload itself proves nothing: a
/// proxy may return 200 with a page of its own.
async fn head(bucket: &Bucket, key: &str, size: u64) -> Result<Head, Error> {
    match bucket.head(key).await {
        Err(Error::Missing) => Err(Error::Mismatch("the object does not exist".into())),
        Ok(head) if head.size != size => {
            Err(Error::Mismatch(format!("{} bytes instead of {size}", head.size)))
        }
        head => head,
    }
}

fn deadline_for(size: u64) -> Duration {
    Duration::from_secs(60 + size / MIN_BYTES_PER_SECOND)
}

async fn open(path: &Path) -> Result<File, Error> {
    let mut file = File::open(path).await?;
    file.set_max_buf_size(READ_BUFFER);
    Ok(file)
}

async fn hash_of(path: &Path) -> Result<(u64, String), Error> {
    let mut reader = Hashing::new(open(path).await?);
    let mut buffer = vec![0; READ_BUFFER];
    while reader.read(&mut buffer).await? > 0 {}
    Ok(reader.finish())
}

/// Counts and hashes the bytes that are read through it.
struct Hashing<R> {
    inner: R,
    size: u64,
    hash: Sha256,
}

impl<R> Hashing<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            size: 0,
            hash: Sha256::new(),
        }
    }

    fn finish(self) -> (u64, String) {
        (self.size, hex::encode(self.hash.finalize()))
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Hashing<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let read = buf.filled().get(before..).unwrap_or_default();
        self.size += read.len() as u64;
        self.hash.update(read);
        Poll::Ready(Ok(()))
    }
}
