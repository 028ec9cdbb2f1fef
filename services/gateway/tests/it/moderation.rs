//! Moderation of chat rooms: its routes, the events of a room, and refused messages.

use std::time::Duration;

use bus::Realtime;
use primitives::{Error, ErrorKind};
use proto::events::v1::realtime::Message;
use proto::events::v1::{ChatMessageDeleted, ChatSettingsUpdated, ChatUserBanned};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::peers::NOBODY;
use crate::world::{Answer, World, answer};

/// The owner of all streams of the fake services.
const OWNER: i64 = 7;

async fn ask(world: &World, method: Method, path: &str, user: i64, body: Option<Value>) -> Answer {
    let mut request = world.request(method, path);
    if user > 0 {
        request = request.bearer_auth(world.token(user, "someone"));
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    answer(request).await
}

#[tokio::test]
async fn everyone_reads_settings_and_moderators_change_them() {
    let world = World::new().await;
    world.stream(1, true);
    let path = "/api/chat/1/settings";
    let change = json!({"slowModeSeconds": 30, "followersOnly": true, "blockedWords": ["bad"]});
    for (user, status) in [(0, 401), (5, 403), (OWNER, 200)] {
        let changed = ask(&world, Method::PUT, path, user, Some(change.clone())).await;
        assert_eq!(changed.status, status, "{user}");
    }
    let expected =
        json!({"streamId": 1, "slowModeSeconds": 30, "followersOnly": true, "blockedWords": ["bad"]});
    assert_eq!(world.get_as(path, OWNER).await.body, expected);
    let public = json!({"streamId": 1, "slowModeSeconds": 30, "followersOnly": true});
    assert_eq!(world.get_as(path, 5).await.body, public);
    assert_eq!(world.get(path).await.body, public);
    // Absent fields stay the same.
    let changed = ask(
        &world,
        Method::PUT,
        path,
        OWNER,
        Some(json!({"slowModeSeconds": 0})),
    )
    .await
    .body;
    assert_eq!(
        (&changed["slowModeSeconds"], &changed["followersOnly"]),
        (&json!(0), &json!(true))
    );
    for bad in [
        json!({"slowModeSeconds": -1}),
        json!({"slowModeSeconds": "x"}),
        json!({"blockedWords": "bad"}),
        json!([1]),
    ] {
        assert_eq!(
            ask(&world, Method::PUT, path, OWNER, Some(bad)).await.status,
            StatusCode::BAD_REQUEST
        );
    }
    assert_eq!(
        world.get("/api/chat/2/settings").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        world.get("/api/chat/x/settings").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn bans_moderators_and_log_are_answered() {
    let world = World::new().await;
    world.stream(1, true);
    let order = json!({"userId": 3, "seconds": 60, "reason": "spam"});
    let banned = world.post_as("/api/chat/1/bans", OWNER, order.clone()).await;
    assert_eq!(banned.status, StatusCode::CREATED, "{}", banned.body);
    let ban = &banned.body["ban"];
    assert_eq!(
        (
            &ban["userId"],
            &ban["user"]["username"],
            &ban["reason"],
            &ban["bannedBy"]
        ),
        (&json!(3), &json!("user_3"), &json!("spam"), &json!(OWNER))
    );
    assert!(ban["expiresAt"].is_string() && ban["createdAt"].is_string());
    world
        .post_as("/api/chat/1/bans", OWNER, json!({"userId": 4}))
        .await;
    let bans = world.get_as("/api/chat/1/bans", OWNER).await.body;
    assert_eq!(
        (&bans["totalItems"], &bans["currentPage"]),
        (&json!(2), &json!(1))
    );
    assert!(bans["bans"][1]["expiresAt"].is_null());

    let added = world
        .post_as("/api/chat/1/moderators", OWNER, json!({"userId": 3}))
        .await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(added.body["moderator"]["user"]["displayName"], "User 3");
    let moderators = world.get_as("/api/chat/1/moderators", OWNER).await.body;
    assert_eq!(
        (&moderators["moderators"][0]["userId"], &moderators["totalItems"]),
        (&json!(3), &json!(1))
    );

    let log = world.get_as("/api/chat/1/log?limit=5", OWNER).await.body;
    let entry = &log["log"][0];
    assert_eq!(
        (
            &entry["action"],
            &entry["actor"]["id"],
            &entry["user"]["id"],
            &entry["seconds"]
        ),
        (&json!("user_timed_out"), &json!(OWNER), &json!(3), &json!(60))
    );
    assert_eq!(log["nextCursor"], "next");

    for path in ["/api/chat/1/bans/3", "/api/chat/1/moderators/3"] {
        let removed = ask(&world, Method::DELETE, path, OWNER, None).await;
        assert_eq!(
            (removed.status, &removed.body["success"]),
            (StatusCode::OK, &json!(true))
        );
    }
}

#[tokio::test]
async fn moderation_is_refused() {
    let world = World::new().await;
    world.stream(1, true);
    let target = Some(json!({"userId": 3}));
    for (method, path, body) in [
        (Method::GET, "/api/chat/1/bans", None),
        (Method::POST, "/api/chat/1/bans", target.clone()),
        (Method::DELETE, "/api/chat/1/bans/3", None),
        (Method::GET, "/api/chat/1/moderators", None),
        (Method::POST, "/api/chat/1/moderators", target),
        (Method::DELETE, "/api/chat/1/moderators/3", None),
        (Method::GET, "/api/chat/1/log", None),
    ] {
        let guest = ask(&world, method.clone(), path, 0, body.clone()).await;
        assert_eq!(guest.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let viewer = ask(&world, method.clone(), path, 5, body).await;
        assert_eq!(
            (viewer.status, &viewer.body["code"]),
            (StatusCode::FORBIDDEN, &json!("chat.not_allowed")),
            "{method} {path}"
        );
    }
    for (body, status, code) in [
        (json!({"userId": NOBODY}), 404, "user.not_found"),
        (json!({"userId": 99}), 403, "chat.user_protected"),
        (json!({"userId": 0}), 400, "request.invalid"),
        (json!({"userId": "3x"}), 400, "request.invalid"),
        (json!({"userId": 3, "seconds": -1}), 400, "request.invalid"),
        (json!({}), 400, "request.invalid"),
    ] {
        let refused = world.post_as("/api/chat/1/bans", OWNER, body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (status, &json!(code)),
            "{body}"
        );
    }
    for path in ["/api/chat/1/bans/x", "/api/chat/1/moderators/0"] {
        assert_eq!(
            ask(&world, Method::DELETE, path, OWNER, None).await.status,
            StatusCode::BAD_REQUEST
        );
    }
    for path in ["/api/chat/1/log?limit=101", "/api/chat/1/bans?cursor=x"] {
        assert_eq!(world.get_as(path, OWNER).await.status, StatusCode::BAD_REQUEST);
    }
}

/// Everyone in the room gets the events, and no one in another room.
#[tokio::test]
async fn room_gets_events_of_its_moderation() {
    let world = World::new().await;
    world.stream(1, true);
    world.stream(2, true);
    let mut ann = world.socket(5, "ann").await;
    let mut guest = world.guest().await;
    let mut elsewhere = world.socket(6, "bob").await;
    ann.join(1).await;
    guest.join(1).await;
    elsewhere.join(2).await;
    let said = ann
        .ask("chat_message", json!({"streamId": 1, "message": "hello"}))
        .await;
    let end = proto::time::timestamp(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    for message in [
        Message::ChatSettingsUpdated(ChatSettingsUpdated {
            stream_id: 1,
            slow_mode_seconds: 30,
            followers_only: true,
        }),
        Message::ChatUserBanned(ChatUserBanned {
            stream_id: 1,
            user_id: 5,
            expires_at: Some(end),
        }),
        Message::ChatUserBanned(ChatUserBanned {
            stream_id: 1,
            user_id: 8,
            expires_at: None,
        }),
        Message::ChatMessageDeleted(ChatMessageDeleted {
            stream_id: 1,
            id: said["id"].as_str().unwrap().to_owned(),
            seq: 1,
        }),
    ] {
        world.peers.push(Realtime::stream_key(1), message);
    }
    for socket in [&mut ann, &mut guest] {
        assert_eq!(
            socket.event("chat_settings_updated").await,
            json!({"streamId": 1, "slowModeSeconds": 30, "followersOnly": true})
        );
        assert_eq!(
            socket.event("user_banned").await,
            json!({"streamId": 1, "userId": 5, "expiresAt": "2027-01-15T08:00:00Z"})
        );
        assert_eq!(
            socket.event("user_banned").await,
            json!({"streamId": 1, "userId": 8, "expiresAt": null})
        );
        assert_eq!(
            socket.event("message_deleted").await,
            json!({"streamId": 1, "id": said["id"], "seq": 1})
        );
    }
    // A viewer who joins later does not see the deleted message.
    let mut late = world.guest().await;
    assert_eq!(late.join(1).await["messages"], json!([]));
    // By the time of this answer, an event for the other room would have arrived.
    let joined = elsewhere.ask("join_notification_room", Value::Null).await;
    assert_eq!(joined["ok"], true);
    for event in ["user_banned", "chat_settings_updated", "message_deleted"] {
        assert!(elsewhere.all(event, Duration::ZERO).await.is_empty(), "{event}");
    }
}

/// The acknowledgement, `message_error` and HTTP have the same code.
#[tokio::test]
async fn refused_message_has_a_reason() {
    let world = World::new().await;
    world.stream(1, true);
    let mut ann = world.socket(5, "ann").await;
    ann.join(1).await;
    for (kind, code, wait, status) in [
        (ErrorKind::Forbidden, "chat.banned", Some(60), 403),
        (ErrorKind::Forbidden, "chat.banned", None, 403),
        (ErrorKind::Forbidden, "chat.followers_only", None, 403),
        (ErrorKind::Forbidden, "chat.word_blocked", None, 403),
        (ErrorKind::RateLimited, "chat.slow_mode", Some(7), 429),
    ] {
        let mut refusal = Error::new(kind, code, "Not now.");
        if let Some(wait) = wait {
            refusal = refusal.retry_after(Duration::from_secs(wait));
        }
        world.peers.state().refusals.insert(5, refusal);
        let answered = ann
            .ask("chat_message", json!({"streamId": 1, "message": "hello"}))
            .await;
        assert_eq!(
            (&answered["ok"], &answered["code"], &answered["message"]),
            (&json!(false), &json!(code), &json!("Not now."))
        );
        assert_eq!(answered["retryAfterMs"], json!(wait.map(|wait| wait * 1000)));
        let event = ann.event("message_error").await;
        assert_eq!(
            (&event["code"], &event["message"]),
            (&json!(code), &json!("Not now."))
        );
        let rest = world
            .post_as("/api/chat/1/messages", 5, json!({"message": "hello"}))
            .await;
        assert_eq!((rest.status.as_u16(), &rest.body["code"]), (status, &json!(code)));
    }
    // A refused socket stays in the room.
    let bob = world.user(6, "bob");
    let message = world.peers.post(1, &bob, "still here?");
    world.peers.announce(&message);
    assert_eq!(ann.event("new_message").await["message"], "still here?");
    world.peers.state().refusals.clear();
    let answered = ann
        .ask("chat_message", json!({"streamId": 1, "message": "again"}))
        .await;
    assert_eq!(answered["ok"], true);
}
