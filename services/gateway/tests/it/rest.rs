//! The answers of the API.

use reqwest::Method;
use serde_json::json;

use crate::world::{World, answer};

#[tokio::test]
async fn sessions_start_and_end() {
    let world = World::new().await;
    let made = world
        .post(
            "/api/users/register",
            json!({"username": "ann", "password": "long enough"}),
        )
        .await;
    assert_eq!(made.status, 201);
    assert!(made.body["message"].is_string() && made.body["expiresAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(made.body["user"]["username"], "ann");
    assert_eq!(made.body["user"]["role"], "user");
    assert_eq!(
        (&made.body["token"], &made.body["refreshToken"]),
        (&json!("a.b.c"), &json!("r"))
    );
    assert_eq!(made.headers["cache-control"], "no-store");

    let taken = world
        .post(
            "/api/users/register",
            json!({"username": "taken", "password": "long enough"}),
        )
        .await;
    assert_eq!(
        (taken.status.as_u16(), &taken.body["code"]),
        (409, &json!("auth.username_taken"))
    );
    let login = world
        .post(
            "/api/users/login",
            json!({"username": "ann", "password": "right"}),
        )
        .await;
    assert_eq!(
        (login.status.as_u16(), &login.body["user"]["username"]),
        (200, &json!("ann"))
    );
    let throttled = world
        .post(
            "/api/users/login",
            json!({"username": "throttled", "password": "x"}),
        )
        .await;
    assert_eq!(
        (throttled.status.as_u16(), &throttled.headers["retry-after"]),
        (429, &"30".parse().unwrap())
    );
    // Sessions can be renewed with an expired access token in the header.
    let refresh = world
        .request(Method::POST, "/api/users/refresh")
        .bearer_auth("expired")
        .json(&json!({"refreshToken": "r"}));
    assert_eq!(answer(refresh).await.status, 200);

    let me = world.get_as("/api/users/me", 5).await;
    assert_eq!((me.status.as_u16(), &me.body["id"]), (200, &json!(5)));
    let out = world.post_as("/api/users/logout", 5, json!(null)).await;
    assert_eq!((out.status.as_u16(), out.body.is_null()), (204, true));
}

#[tokio::test]
async fn users_follow_and_unfollow() {
    let world = World::new().await;
    let profile = world.get("/api/users/profile/bob").await;
    assert_eq!(
        (&profile.body["username"], &profile.body["followersCount"]),
        (&json!("bob"), &json!(2))
    );
    assert!(
        profile.body.get("isFollowing").is_none(),
        "a guest follows nobody"
    );
    assert_eq!(
        world.get_as("/api/users/profile/bob", 5).await.body["isFollowing"],
        true
    );
    assert_eq!(world.get("/api/users/profile/nobody").await.status, 404);

    let follow = world.post_as("/api/users/9/follow", 5, json!(null)).await;
    assert_eq!(follow.status, 201);
    assert_eq!(
        (&follow.body["success"], &follow.body["data"]["followingId"]),
        (&json!(true), &json!(9))
    );
    assert_eq!(
        world.post_as("/api/users/5/follow", 5, json!(null)).await.status,
        400
    );
    assert_eq!(world.post("/api/users/9/follow", json!(null)).await.status, 401);
    for (method, path) in [
        (Method::DELETE, "follow"),
        (Method::DELETE, "unfollow"),
        (Method::POST, "unfollow"),
    ] {
        let request = world
            .request(method, &format!("/api/users/9/{path}"))
            .bearer_auth(world.token(5, "ann"));
        assert_eq!(answer(request).await.status, 200);
    }
    let followers = world.get("/api/users/9/followers?page=2&limit=10").await.body;
    assert_eq!(followers["followers"][0]["displayName"], "User 3");
    assert_eq!(
        (&followers["totalItems"], &followers["totalPages"]),
        (&json!(21), &json!(3))
    );
    assert_eq!(
        (&followers["currentPage"], &followers["nextCursor"]),
        (&json!(2), &json!("next"))
    );
}

#[tokio::test]
async fn streams_are_created_listed_and_updated() {
    let world = World::new().await;
    let made = world
        .post_as("/api/streams", 7, json!({"title": "Xin chào", "categoryId": "3"}))
        .await;
    assert_eq!(
        (made.status.as_u16(), &made.body["success"]),
        (201, &json!(true)),
        "{}",
        made.body
    );
    let data = &made.body["data"];
    assert_eq!(
        (&data["status"], &data["category"]["id"], &data["categoryId"]),
        (&json!("ended"), &json!(3), &json!(3))
    );
    assert_eq!(
        (&data["streamKey"], &data["rtmpUrl"]),
        (&json!("x?key=live_secret"), &json!("rtmp://host:1935/live"))
    );
    assert!(data["playbackUrls"].is_null());

    world.stream(1, true);
    world.stream(2, false);
    let list = world
        .get("/api/streams?status=live&sort=viewers&limit=10")
        .await
        .body;
    assert_eq!(
        (list["streams"].as_array().unwrap().len(), &list["totalStreams"]),
        (2, &json!(2))
    );
    let first = &list["streams"][0];
    assert_eq!(
        (&first["currentViewerCount"], &first["user"]["avatarUrl"]),
        (&json!(3), &json!("http://bucket/7.jpg"))
    );
    assert!(first["playbackUrls"]["hls"].is_string() && first.get("streamKey").is_none());
    for _ in 0..5 {
        world.get("/api/streams").await;
    }
    // One call for the new stream, which has the same owner, and none per row.
    assert_eq!(world.peers.state().get_users_calls, 1);

    let owner = world.get_as("/api/streams/1", 7).await.body;
    assert_eq!(
        (&owner["stream"]["streamKey"], &owner["rtmpUrl"]),
        (&json!("x?key=live_secret"), &json!("rtmp://host:1935/live"))
    );
    let other = world.get_as("/api/streams/1", 5).await.body;
    assert!(
        other["stream"].get("streamKey").is_none() && other.get("rtmpUrl").is_none(),
        "{other}"
    );
    assert_eq!(
        other["stream"]["title"], "<b>A stream</b>",
        "stored and delivered raw"
    );

    let put = |user| {
        world
            .request(Method::PUT, "/api/streams/1")
            .bearer_auth(world.token(user, "x"))
            .json(&json!({"title": "New"}))
    };
    assert_eq!(answer(put(7)).await.body["stream"]["title"], "New");
    assert_eq!(answer(put(5)).await.status, 403);
    assert_eq!(
        world.get("/api/streams/99").await.body["code"],
        "stream.not_found"
    );
}

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

#[tokio::test]
async fn chat_and_vods_are_answered() {
    let world = World::new().await;
    world.stream(1, true);
    let sent = world
        .post_as("/api/chat/1/messages", 5, json!({"message": "hello"}))
        .await;
    assert_eq!(
        (sent.status.as_u16(), &sent.body["data"]["seq"]),
        (201, &json!(1)),
        "{}",
        sent.body
    );
    assert!(sent.body["data"]["id"].is_string() && sent.body["data"]["streamId"] == 1);
    let deleted = world.peers.post(1, &world.user(6, "bob"), "away");
    world.peers.state().messages.get_mut(&1).unwrap()[1].deleted = true;
    let page = world.get("/api/chat/1/messages").await.body;
    assert_eq!(
        (
            page["data"].as_array().unwrap().len(),
            &page["totalMessages"],
            &page["currentPage"]
        ),
        (1, &json!(2), &json!(1))
    );
    let after = world.get("/api/chat/1/messages?after=0&limit=1").await.body;
    assert_eq!(
        (&after["truncated"], after.get("totalMessages")),
        (&json!(true), None)
    );
    assert_eq!(deleted.seq, 2);
    assert_eq!(
        world.get("/api/chat/1/messages?after=0&before=2").await.status,
        400
    );

    let vod = world.get("/api/vod/12").await.body;
    assert_eq!(
        (&vod["vod"]["durationSeconds"], &vod["vod"]["viewCount"]),
        (&json!(6.5), &json!(1))
    );
    assert_eq!(
        world.get_as("/api/notifications/unread-count", 5).await.body,
        json!({"unreadCount": 4})
    );
    assert_eq!(world.get("/api/notifications/unread-count").await.status, 401);
    assert_eq!(
        world.get("/api/categories").await.body["categories"][0]["slug"],
        "games"
    );
}

#[tokio::test]
async fn notifications_carry_actor_and_subject() {
    let world = World::new().await;
    let list = world.get_as("/api/notifications?isRead=false&limit=2", 5).await;
    assert_eq!(list.status, 200, "{}", list.body);
    let [started, follower] = list.body["notifications"].as_array().unwrap().as_slice() else {
        panic!("{}", list.body);
    };
    let actor =
        json!({"id": 7, "username": "user_7", "displayName": "User 7", "avatarUrl": "http://bucket/7.jpg"});
    assert_eq!(
        (&started["type"], &started["actor"]),
        (&json!("stream_started"), &actor)
    );
    assert_eq!(started["subject"], json!({"id": 1, "title": "A stream"}));
    assert_eq!(
        (&started["isRead"], &started["message"]),
        (&json!(false), &json!("User 7 is live."))
    );
    assert_eq!(
        (&follower["actor"], &follower["subject"]),
        (&json!(null), &json!(null))
    );
    let read = world
        .post_as("/api/notifications/1/read", 5, json!(null))
        .await
        .body;
    assert_eq!(
        (&read["affectedCount"], &read["notification"]["actor"]),
        (&json!(1), &actor)
    );
}

#[tokio::test]
async fn request_id_and_client_address_reach_services() {
    let world = World::new().await;
    let request = world
        .request(Method::GET, "/api/streams/1")
        .header("x-request-id", "given-by-client-1");
    let problem = answer(
        request
            .header("x-forwarded-for", "9.9.9.9, 203.0.113.5")
            .header("x-user-id", "1"),
    )
    .await;
    assert_eq!(problem.headers["x-request-id"], "given-by-client-1");
    assert_eq!(problem.body["requestId"], "given-by-client-1");
    let came = world.peers.state().metadata.last().unwrap().clone();
    assert_eq!(
        came,
        ("203.0.113.5".to_owned(), "given-by-client-1".to_owned()),
        "the rightmost hop is the client"
    );
    let odd = answer(
        world
            .request(Method::GET, "/api/streams/1")
            .header("x-request-id", "a b"),
    )
    .await;
    assert_ne!(odd.headers["x-request-id"], "a b");
    assert_eq!(odd.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn unavailable_service_is_503_without_its_address() {
    let world = World::new().await;
    world.peers.state().stream_away = true;
    let away = world.get("/api/streams/1").await;
    assert_eq!(
        (away.status.as_u16(), &away.body["code"]),
        (503, &json!("service.unavailable"))
    );
    assert!(
        away.headers.contains_key("retry-after") && !away.body.to_string().contains("10.1.2.3"),
        "{}",
        away.body
    );
}

#[tokio::test]
async fn web_client_and_description_are_served() {
    let folder = std::env::temp_dir().join(format!("airwave-page-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(folder.join("views")).unwrap();
    for (name, content) in [
        ("index.html", "<p>page"),
        ("docs.html", "<p>docs"),
        ("views/home.js", "1"),
    ] {
        std::fs::write(folder.join(name), content).unwrap();
    }
    let world = World::with(|config| config.public.gateway_web_dir = Some(folder.clone())).await;
    for (path, kind) in [
        ("/", "text/html"),
        ("/watch/3", "text/html"),
        ("/docs", "text/html"),
        ("/views/home.js", "text/javascript"),
    ] {
        let page = world.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.headers["content-type"].to_str().unwrap().starts_with(kind),
            "{path}"
        );
        let tag = page.headers["etag"].clone();
        assert_eq!(
            answer(world.request(Method::GET, path).header("if-none-match", tag))
                .await
                .status,
            304
        );
    }
    for path in [
        "/nothing.js",
        "/metrics",
        "/internal/rtmp",
        "/socket.io/",
        "/hls/x/index.m3u8",
    ] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
    assert_eq!(world.get("/../Cargo.toml").await.status, 404);
    assert_eq!(world.get("/openapi.json").await.body["openapi"], "3.1.0");
    assert_eq!(world.get("/healthz").await.body, json!({"status": "alive"}));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn cors_allows_configured_origins_only() {
    let world =
        World::with(|config| config.public.gateway_allowed_origins = vec!["https://app.example".to_owned()])
            .await;
    let ask = |origin: &'static str| {
        world
            .request(Method::OPTIONS, "/api/streams")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    let known = answer(ask("https://app.example")).await;
    assert_eq!(
        known.headers["access-control-allow-origin"],
        "https://app.example"
    );
    let foreign = answer(ask("https://evil.example")).await;
    assert!(
        !foreign.headers.contains_key("access-control-allow-origin"),
        "{:?}",
        foreign.headers
    );
}
