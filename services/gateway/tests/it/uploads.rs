//! Forms with files.

use reqwest::Method;
use serde_json::json;

use crate::world::{World, answer};

#[tokio::test]
async fn form_creates_stream() {
    let world = World::new().await;
    let form = || {
        reqwest::multipart::Form::new()
            .text("title", "By form")
            .text("description", "x")
            .text("categoryId", "")
    };
    let post = |form| {
        world
            .request(Method::POST, "/api/streams")
            .bearer_auth(world.token(7, "ann"))
            .multipart(form)
    };
    let made = answer(post(form())).await;
    assert_eq!(
        (made.status.as_u16(), &made.body["data"]["title"]),
        (201, &json!("By form")),
        "{}",
        made.body
    );
    let empty = reqwest::multipart::Part::bytes(Vec::new())
        .file_name("")
        .mime_str("application/octet-stream")
        .unwrap();
    assert_eq!(
        answer(post(form().part("thumbnailFile", empty))).await.status,
        201
    );
    let file: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let picture = reqwest::multipart::Part::bytes(file.clone()).file_name("x.jpg");
    // Fields may come in any order.
    let first = reqwest::multipart::Form::new().part("thumbnailFile", picture);
    let made = answer(post(first.text("title", "With a picture"))).await;
    assert_eq!(
        (made.status.as_u16(), &made.body["data"]["title"]),
        (201, &json!("With a picture"))
    );
    assert_eq!(world.peers.state().files, [vec![], vec![], file]);
    let large = reqwest::multipart::Part::bytes(vec![0; (5 << 20) + 1]).file_name("x.jpg");
    let refused = answer(post(form().part("thumbnailFile", large))).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (413, &json!("upload.too_large"))
    );
    assert_eq!(world.peers.state().files.len(), 3, "a refused file is not sent");
}

#[tokio::test]
async fn upload_passes_video_thumbnail_and_idempotency_key() {
    let world = World::new().await;
    let bytes = |length: u32| -> Vec<u8> { (0..length).map(|n| n.to_le_bytes()[0]).collect() };
    let file = |bytes: Vec<u8>| reqwest::multipart::Part::bytes(bytes).file_name("x");
    let post = |form, name: &str| {
        let post = world.request(Method::POST, "/api/vod/upload-local");
        post.bearer_auth(world.token(7, "ann"))
            .header("Idempotency-Key", name)
            .multipart(form)
    };
    let form = reqwest::multipart::Form::new()
        .part("thumbnailFile", file(bytes(100_000)))
        .part("videoFile", file(bytes(3_000_000)))
        .text("title", "A talk");
    let made = answer(post(form, "\"8e03978e\"")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["vod"]["title"], "A talk");
    assert_eq!(made.body["vod"]["description"], "8e03978e");
    assert_eq!(world.peers.state().files, [bytes(3_000_000), bytes(100_000)]);

    let untitled = reqwest::multipart::Form::new().part("videoFile", file(bytes(10)));
    let refused = answer(post(untitled, "n")).await;
    assert_eq!(refused.body["errors"][0]["path"], "title");
    let unnamed = reqwest::multipart::Form::new().text("title", "A talk");
    let refused = answer(post(unnamed, "two words")).await;
    assert_eq!(refused.body["errors"][0]["path"], "Idempotency-Key");
    assert_eq!(world.peers.state().files.len(), 2, "a refused file is not sent");
}
