//! Invalid bodies over HTTP: each is answered with a problem.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bad_requests::is_problem;
use crate::world::{SOON, World, answer};

#[tokio::test]
async fn invalid_bodies_are_refused() {
    let world = World::new().await;
    let post = |body: &str, kind: &'static str| {
        let request = world
            .request(Method::POST, "/api/users/register")
            .body(body.to_owned());
        if kind.is_empty() {
            request
        } else {
            request.header("content-type", kind)
        }
    };
    let json = "application/json";
    is_problem(&answer(post("", json)).await, 400, "request.malformed");
    for malformed in [
        "{",
        r#"{"username": "ann""#,
        r#"{"username": "ann", "password": "long enough"} trailing"#,
        "\u{0}",
    ] {
        is_problem(&answer(post(malformed, json)).await, 400, "request.malformed");
    }
    for (kind, body) in [
        ("text/plain", "{}"),
        ("application/x-www-form-urlencoded", "a=b"),
        ("", "{}"),
    ] {
        is_problem(
            &answer(post(body, kind)).await,
            415,
            "request.unsupported_media_type",
        );
    }
    let large = format!(r#"{{"username": "{}"}}"#, "x".repeat(3 << 20));
    is_problem(&answer(post(&large, json)).await, 413, "request.too_large");
    let missing = answer(post(r#"{"username": "ann"}"#, json)).await;
    is_problem(&missing, 400, "request.invalid");
    assert_eq!(
        missing.body["errors"][0],
        json!({"path": "password", "code": "required", "params": {}, "msg": "is required"})
    );
    let wrong = answer(post(r#"{"username": 5, "password": "long enough"}"#, json)).await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.body["errors"][0]["path"]),
        (400, &json!("username"))
    );
    for username in ["admin", "api", "hls", "null", ".", "a", "a\u{0}b", "аdmin"] {
        let refused = answer(post(
            &json!({"username": username, "password": "long enough"}).to_string(),
            json,
        ))
        .await;
        is_problem(&refused, 400, "request.invalid");
        assert_eq!(refused.body["errors"][0]["path"], "username");
    }
    let nul = world
        .post_as("/api/streams", 7, json!({"title": "a\u{0}b"}))
        .await;
    is_problem(&nul, 400, "request.invalid");
}

#[tokio::test]
async fn endless_body_times_out() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.app.rest.trim_start_matches("http://"))
        .await
        .unwrap();
    let head = "POST /api/users/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    let read = tokio::time::timeout(SOON, stream.read_exact(&mut answer)).await;
    read.expect("an answer").unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 408");
}

#[tokio::test]
async fn invalid_forms_are_refused() {
    let world = World::new().await;
    let post = |kind: String, body: String| {
        let request = world
            .request(Method::POST, "/api/streams")
            .bearer_auth(world.token(7, "ann"));
        request.header("content-type", kind).body(body)
    };
    let part = |n: u32| format!("--b\r\ncontent-disposition: form-data; name=\"x{n}\"\r\n\r\n1\r\n");
    let kind = || "multipart/form-data; boundary=b".to_owned();
    is_problem(
        &answer(post(
            kind(),
            (0..10_000).map(part).collect::<String>() + "--b--\r\n",
        ))
        .await,
        413,
        "request.too_large",
    );
    is_problem(&answer(post(kind(), part(0))).await, 400, "request.malformed");
    is_problem(
        &answer(post("multipart/form-data".to_owned(), String::new())).await,
        400,
        "request.malformed",
    );
    let boundary = "b".repeat(8000);
    is_problem(
        &answer(post(
            format!("multipart/form-data; boundary={boundary}"),
            String::new(),
        ))
        .await,
        400,
        "request.malformed",
    );
    let title = "--b\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\nTwice\r\n";
    is_problem(
        &answer(post(kind(), title.repeat(2) + "--b--\r\n")).await,
        400,
        "request.invalid",
    );
    let huge = format!(
        "--b\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\n{}\r\n--b--\r\n",
        "x".repeat(1 << 20)
    );
    is_problem(&answer(post(kind(), huge)).await, 413, "request.too_large");
    tokio::time::timeout(Duration::from_secs(5), world.get("/api/streams"))
        .await
        .expect("still there");
}
