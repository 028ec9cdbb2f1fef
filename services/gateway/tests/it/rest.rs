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
