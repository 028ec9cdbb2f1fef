use std::path::Path;

use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::object::Head;
use crate::{Bucket, Error};

/// Bytes per request. Each request has the timeout of one part.
const PART_SIZE: u64 = 8 * 1024 * 1024;

pub(crate) async fn file(bucket: &Bucket, key: &str, head: &Head, path: &Path) -> Result<String, Error> {
    let client = bucket.reading(head.version_id.as_deref())?;
    let mut file = File::create(path).await?;
    let (mut from, mut hash) = (0, Sha256::new());
    while from < head.size {
        let end = head.size.min(from + PART_SIZE);
        let response = client.get_object_range(key, from, Some(end - 1)).await?;
        let part = response.bytes();
        // A proxy may return a page of its own, and a server without support for ranges the whole object.
        if part.len() as u64 != end - from {
            return Err(Error::Mismatch(format!(
                "{} bytes instead of {}",
                part.len(),
                end - from
            )));
        }
        hash.update(part);
        file.write_all(part).await?;
        from = end;
    }
    file.flush().await?;
    Ok(hex::encode(hash.finalize()))
}
