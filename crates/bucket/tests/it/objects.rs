use std::time::Duration;

use bucket::Error;
use chrono::Utc;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, RANGE};

use crate::{bucket, bytes, client, config};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn small_object_is_stored_listed_and_deleted() {
    let bucket = bucket().await;
    let key = bucket.key("a picture.jpg");
    let stored = bucket.put_bytes(b"jpeg", &key, "image/jpeg").await.unwrap();
    assert_eq!((stored.key.as_str(), stored.size), (key.as_str(), 4));

    let head = bucket.head(&key).await.unwrap();
    assert_eq!(head.sha256.as_deref(), Some(stored.sha256.as_str()));
    assert_eq!(head.content_type.as_deref(), Some("image/jpeg"));
    assert_eq!(bucket.list(&bucket.key("")).await.unwrap(), [key.as_str()]);

    bucket.delete(&key, stored.version_id.as_deref()).await.unwrap();
    assert!(matches!(bucket.head(&key).await, Err(Error::Missing)));
    assert!(!bucket.exists(&key).await.unwrap());
    bucket.delete(&key, None).await.unwrap();
}

#[tokio::test]
async fn presigned_url_serves_ranges_of_a_multipart_object() {
    let bucket = bucket().await;
    let content = bytes(20 * 1024 * 1024 + 17);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &content).unwrap();
    let key = bucket.key("videos/1.mp4");
    let stored = bucket.put_file(file.path(), &key, "video/mp4").await.unwrap();
    assert_eq!(stored.size, content.len() as u64);

    let presigned = bucket.presign_get(&key, HOUR).await.unwrap();
    let ttl = (presigned.expires_at - Utc::now()).num_seconds();
    assert!((3590..=3600).contains(&ttl), "{ttl}");
    let client = client();
    let (from, to) = (8 * 1024 * 1024 - 5, 8 * 1024 * 1024 + 5);
    let response = client
        .get(&presigned.url)
        .header(RANGE, format!("bytes={from}-{to}"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    let range = format!("bytes {from}-{to}/{}", content.len());
    assert_eq!(response.headers().get(CONTENT_RANGE).unwrap(), range.as_str());
    assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "video/mp4");
    assert_eq!(response.bytes().await.unwrap(), content[from..=to]);
}

#[tokio::test]
async fn presigned_url_is_valid_only_for_its_object_and_lifetime() {
    let bucket = bucket().await;
    let (mine, other) = (bucket.key("mine"), bucket.key("other"));
    bucket.put_bytes(b"mine", &mine, "text/plain").await.unwrap();
    bucket.put_bytes(b"other", &other, "text/plain").await.unwrap();
    let url = bucket.presign_get(&mine, HOUR).await.unwrap().url;
    let long = bucket.presign_get(&mine, 30 * 24 * HOUR).await.unwrap();
    let client = client();
    let status = async |url: String| client.get(url).send().await.unwrap().status();

    assert_eq!(status(url.clone()).await, StatusCode::OK);
    assert_eq!(status(long.url).await, StatusCode::OK);
    assert!(long.expires_at - Utc::now() <= chrono::TimeDelta::days(7));
    assert_eq!(
        status(url.replace("/mine?", "/other?")).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        status(url.replace("Expires=3600", "Expires=7200")).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        status(url.split_once('?').unwrap().0.to_owned()).await,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn file_that_changes_during_the_upload_is_a_mismatch() {
    let bucket = bucket().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(40 * 1024 * 1024).unwrap();
    let path = file.path().to_owned();
    let growing = tokio::spawn(async move {
        for n in 0_u64.. {
            tokio::time::sleep(Duration::from_millis(1)).await;
            std::fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(40 * 1024 * 1024 + n)
                .unwrap();
        }
    });
    let sent = bucket
        .put_file(file.path(), &bucket.key("growing"), "video/mp4")
        .await;
    growing.abort();
    assert!(matches!(sent, Err(Error::Mismatch(_))), "{sent:?}");
}

#[tokio::test]
async fn prefixes_separate_deployments_in_one_bucket() {
    let (one, two) = (bucket().await, bucket().await);
    one.put_bytes(b"1", &one.key("same"), "text/plain").await.unwrap();
    assert!(!two.exists(&two.key("same")).await.unwrap());
    assert_eq!(one.key("same"), format!("{}same", one.key("")));
    let bare = bucket::Bucket::new(&bucket::BucketConfig {
        prefix: String::new(),
        ..config().await
    })
    .unwrap();
    assert_eq!(bare.key("same"), "same");
}

#[tokio::test]
async fn streamed_upload_is_downloaded_unchanged() {
    let bucket = bucket().await;
    let folder = tempfile::tempdir().unwrap();
    for length in [0, 5, 17 * 1024 * 1024 + 3] {
        let content = bytes(length);
        let key = bucket.key(&format!("incoming/{length}"));
        let stored = bucket
            .put_stream(&mut content.as_slice(), &key, "video/mp4")
            .await
            .unwrap();
        assert_eq!(stored.size, u64::from(length));
        let file = folder.path().join(length.to_string());
        let head = bucket.head(&key).await.unwrap();
        assert_eq!(bucket.get_file(&key, &head, &file).await.unwrap(), stored.sha256);
        assert!(std::fs::read(&file).unwrap() == content);
    }
    let key = bucket.key("incoming/5");
    let head = bucket.head(&key).await.unwrap();
    bucket.delete(&key, head.version_id.as_deref()).await.unwrap();
    let missing = bucket.get_file(&key, &head, &folder.path().join("none")).await;
    assert!(matches!(missing, Err(Error::Missing)));
}

#[tokio::test]
async fn interrupted_stream_leaves_nothing() {
    let bucket = bucket().await;
    let key = bucket.key("incoming/cut");
    for length in [5, 20 * 1024 * 1024] {
        let content = bytes(length);
        let mut cut = tokio::io::AsyncReadExt::chain(content.as_slice(), Broken);
        let sent = bucket.put_stream(&mut cut, &key, "video/mp4").await;
        assert!(matches!(sent, Err(Error::File(_))), "{sent:?}");
        assert!(bucket.list(&key).await.unwrap().is_empty());
        let later = Utc::now() + chrono::TimeDelta::hours(1);
        assert_eq!(bucket.abort_unfinished(&key, later).await.unwrap(), 0);
    }
}

/// Fails like a broken connection.
struct Broken;

impl tokio::io::AsyncRead for Broken {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::ErrorKind::UnexpectedEof.into()))
    }
}
