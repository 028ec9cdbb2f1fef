use std::time::{Duration, Instant};

use bucket::{Bucket, BucketConfig, Error};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::{bytes, config};

#[tokio::test]
async fn wrong_secret_is_refused_not_missing() {
    let wrong = BucketConfig {
        secret: SecretString::from("wrong"),
        ..config().await
    };
    let bucket = Bucket::new(&wrong).unwrap();
    let key = bucket.key("k");
    assert!(matches!(
        bucket.head(&key).await,
        Err(Error::Refused { status: 403, .. })
    ));
    assert!(bucket.exists(&key).await.is_err());
    let error = bucket.put_bytes(b"x", &key, "text/plain").await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 403, .. }), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn unreachable_server_is_unavailable() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let bucket = at(&format!("http://{free}")).await;
    let error = bucket.head("k").await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable(_)) && error.is_transient(),
        "{error}"
    );
    assert!(matches!(
        bucket.put_bytes(b"x", "k", "text/plain").await,
        Err(Error::Unavailable(_))
    ));
    bucket.presign_get("k", Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn silent_server_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bucket = at(&format!("http://{}", silent.local_addr().unwrap())).await;
    let started = Instant::now();
    assert!(matches!(bucket.head("k").await, Err(Error::Unavailable(_))));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn overload_is_unavailable_and_a_foreign_page_is_a_mismatch() {
    let overloaded = fake("HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let error = at(&overloaded)
        .await
        .put_bytes(b"x", "k", "text/plain")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");

    let page = fake("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n<html>ok!").await;
    let error = at(&page)
        .await
        .put_bytes(b"x", "k", "text/plain")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)), "{error}");
}

#[tokio::test]
async fn missing_local_file_is_a_file_error() {
    let bucket = Bucket::new(&config().await).unwrap();
    let error = bucket
        .put_file("/nowhere/in.mp4".as_ref(), "k", "video/mp4")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::File(_)), "{error}");
}

/// The stack's configuration with another endpoint.
async fn at(endpoint: &str) -> Bucket {
    let endpoint: Url = endpoint.parse().unwrap();
    Bucket::new(&BucketConfig {
        endpoint,
        public_endpoint: None,
        ..config().await
    })
    .unwrap()
}

/// Starts a server that sends the same response to every request.
async fn fake(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = bytes(4096);
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    format!("http://{address}")
}
