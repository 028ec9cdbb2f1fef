//! Authentication of sockets, from the handshake to the expiry of the token, and notifications.

use std::time::Duration;

use identity::TestIssuer;
use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message;
use proto::events::v1::{NotificationsRead, NotifiedUser, TokenRevoked, UsersNotified, token_revoked};
use proto::notification::v1::Subject;
use serde_json::{Value, json};

use crate::client::{Client, Options};
use crate::world::{SOON, World};

fn with_token(token: &str) -> Options {
    Options {
        auth: json!({ "token": token }),
        ..Options::default()
    }
}

#[tokio::test]
async fn both_paths_and_both_transports_serve() {
    let world = World::new().await;
    let token = world.token(5, "ann");
    for (path, transport, ends_with) in [
        ("/socket.io/", "websocket", "websocket"),
        ("/socket.io/", "polling", "polling"),
        ("/app/socket.io/", "websocket", "websocket"),
        ("/app/socket.io", "polling,websocket", ""),
    ] {
        let mut socket = Client::start(
            &world.app.socket,
            &Options {
                path,
                transport,
                ..with_token(&token)
            },
        );
        let connected = socket.event("connect").await;
        assert!(
            connected["transport"].as_str().unwrap().ends_with(ends_with),
            "{connected}"
        );
        let joined = socket.ask("join_notification_room", Value::Null).await;
        assert_eq!(
            (&joined["ok"], &joined["room"]),
            (&json!(true), &json!("user_5")),
            "{path} {transport}"
        );
        assert_eq!(socket.event("notification_room_joined").await["room"], "user_5");
    }
}

#[tokio::test]
async fn bad_token_is_rejected_with_its_code() {
    let world = World::new().await;
    let now = chrono::Utc::now().timestamp();
    let mut claims = TestIssuer::claims(primitives::UserId(5), "ann", primitives::Role::User);
    claims.exp = now - 60;
    let expired = world.issuer.sign(&claims);
    for (auth, code) in [
        (json!({"token": "nonsense"}), "auth.token_invalid"),
        (json!({"token": 5}), "auth.token_invalid"),
        (json!({"token": expired}), "auth.token_expired"),
    ] {
        let mut socket = Client::start(
            &world.app.socket,
            &Options {
                auth,
                ..Options::default()
            },
        );
        assert_eq!(socket.event("connect_error").await["message"], code);
    }
    for name in ["token", "access_token"] {
        let query = json!({ name: world.token(5, "ann") });
        let mut socket = Client::start(
            &world.app.socket,
            &Options {
                query,
                ..Options::default()
            },
        );
        assert_eq!(
            socket.event("connect_error").await["message"],
            "auth.token_in_url"
        );
    }
}

#[tokio::test]
async fn guests_watch_but_cannot_chat() {
    let world = World::new().await;
    world.stream(1, true);
    let mut guest = world.guest().await;
    guest.join(1).await;
    let answer = guest
        .ask("chat_message", json!({"streamId": 1, "message": "hi"}))
        .await;
    assert_eq!(
        (&answer["ok"], &answer["code"]),
        (&json!(false), &json!("auth.token_missing"))
    );
    assert!(guest.event("message_error").await["message"].is_string());
    let joined = guest.ask("join_notification_room", Value::Null).await;
    assert_eq!(joined["ok"], false);
    assert!(guest.event("notification_room_join_error").await["message"].is_string());
}

/// The handlers are registered before the client learns that it is connected.
#[tokio::test]
async fn events_sent_on_connect_are_handled() {
    let world = World::new().await;
    world.stream(1, true);
    let eager = json!([["join_stream_room", {"streamId": 1}], ["join_notification_room", null]]);
    let auth = json!({ "token": world.token(5, "ann") });
    let clients: Vec<Client> = (0..8)
        .map(|_| {
            Client::start(
                &world.app.socket,
                &Options {
                    auth: auth.clone(),
                    eager: eager.clone(),
                    ..Options::default()
                },
            )
        })
        .collect();
    for mut client in clients {
        client.event("recent_chat_history").await;
        client.event("room_joined_successfully").await;
        client.event("notification_room_joined").await;
    }
}

#[tokio::test]
async fn expired_token_makes_a_guest_until_the_next_token() {
    let world = World::new().await;
    world.stream(1, true);
    // Signs in after connecting, because the client's start takes a part of the token's lifetime.
    let mut socket = world.guest().await;
    socket.join(1).await;
    let mut claims = TestIssuer::claims(primitives::UserId(5), "ann", primitives::Role::User);
    claims.exp = chrono::Utc::now().timestamp() + 3;
    let token = world.issuer.sign(&claims);
    assert_eq!(
        socket.ask("authenticate", json!({ "token": token })).await["ok"],
        true
    );
    leases(&world, &["u:5"]).await;
    socket.event("token_expired").await;
    let answer = socket
        .ask("chat_message", json!({"streamId": 1, "message": "hi"}))
        .await;
    assert_eq!(answer["ok"], false, "a guest cannot chat");
    // The socket stays in the room as a guest.
    stack::eventually(SOON, "the guest's lease", async || {
        let state = world.peers.state();
        state.leases.len() == 1 && state.leases.keys().all(|(_, viewer)| viewer.starts_with("g:"))
    })
    .await
    .unwrap();

    assert_eq!(
        socket.ask("authenticate", json!({"token": "nonsense"})).await["code"],
        "auth.token_invalid"
    );
    let answer = socket
        .ask("authenticate", json!({"token": world.token(5, "ann")}))
        .await;
    assert_eq!((&answer["ok"], &answer["userId"]), (&json!(true), &json!(5)));
    leases(&world, &["u:5"]).await;
    let answer = socket
        .ask("chat_message", json!({"streamId": 1, "message": "hi"}))
        .await;
    assert_eq!(answer["ok"], true, "{answer}");
    socket.event("new_message").await;
}

#[tokio::test]
async fn logout_disconnects_the_sockets_of_the_session() {
    let world = World::new().await;
    let mut claims = TestIssuer::claims(primitives::UserId(5), "ann", primitives::Role::User);
    claims.sid = "the-session".to_owned();
    let mut one = Client::start(&world.app.socket, &with_token(&world.issuer.sign(&claims)));
    claims.jti = "another-token".to_owned();
    let mut two = Client::start(
        &world.app.socket,
        &Options {
            transport: "polling",
            ..with_token(&world.issuer.sign(&claims))
        },
    );
    let mut other = world.socket(5, "ann").await;
    one.event("connect").await;
    two.event("connect").await;

    let until = Some(proto::time::timestamp(
        chrono::Utc::now() + chrono::Duration::hours(1),
    ));
    let revoked = TokenRevoked {
        what: Some(token_revoked::What::SessionId("the-session".to_owned())),
        until,
    };
    world.emit(Payload::TokenRevoked(revoked), 5, 1).await;
    assert_eq!(one.event("disconnect").await["reason"], "io server disconnect");
    two.event("disconnect").await;
    let joined = other.ask("join_notification_room", Value::Null).await;
    assert_eq!(joined["ok"], true, "another session of the user is not affected");
    let mut again = Client::start(&world.app.socket, &with_token(&world.issuer.sign(&claims)));
    assert_eq!(
        again.event("connect_error").await["message"],
        "auth.token_invalid"
    );
}

#[tokio::test]
async fn notification_and_its_reading_reach_all_sockets_of_the_user() {
    let world = World::new().await;
    let (mut one, mut two, mut other) = (
        world.socket(5, "ann").await,
        world.socket(5, "ann").await,
        world.socket(6, "bob").await,
    );
    let notified = UsersNotified {
        actor_id: 6,
        subject: Some(Subject {
            id: 1,
            title: "Chess".to_owned(),
        }),
        r#type: "stream_started".to_owned(),
        message: "<i>bob</i> is live".to_owned(),
        related_entity_id: 1,
        related_entity_type: "stream".to_owned(),
        created_at: Some(proto::time::timestamp(chrono::Utc::now())),
        users: vec![
            NotifiedUser {
                user_id: 4,
                notification_id: 40,
            },
            NotifiedUser {
                user_id: 5,
                notification_id: 50,
            },
        ],
    };
    world
        .peers
        .push(bus::Realtime::USERS, Message::UsersNotified(notified));
    for socket in [&mut one, &mut two] {
        let got = socket.event("new_notification").await;
        assert_eq!((&got["id"], &got["type"]), (&json!(50), &json!("stream_started")));
        assert_eq!(
            (&got["message"], &got["relatedEntityType"]),
            (&json!("<i>bob</i> is live"), &json!("stream"))
        );
        assert!(got["createdAt"].is_string() && got["relatedEntityId"] == 1);
        assert_eq!(got["subject"], json!({"id": 1, "title": "Chess"}));
        let actor = &got["actor"];
        assert_eq!(
            (&actor["id"], &actor["username"], &actor["displayName"]),
            (&json!(6), &json!("user_6"), &json!("User 6"))
        );
        assert!(actor.get("avatarUrl").is_some());
    }
    let read = NotificationsRead {
        user_id: 5,
        ids: vec![50],
        all: false,
        unread_count: 3,
    };
    world
        .peers
        .push(bus::Realtime::USERS, Message::NotificationsRead(read));
    for socket in [&mut one, &mut two] {
        assert_eq!(
            socket.event("notification_read").await,
            json!({"ids": [50], "all": false, "unreadCount": 3})
        );
    }
    for event in ["new_notification", "notification_read"] {
        assert_eq!(
            other.all(event, Duration::from_millis(200)).await,
            [Value::Null; 0]
        );
    }
}

/// Waits until exactly these viewers have leases.
pub(crate) async fn leases(world: &World, viewers: &[&str]) {
    let expected: Vec<String> = viewers.iter().map(|viewer| (*viewer).to_owned()).collect();
    stack::eventually(SOON, "the leases", async || {
        let current: Vec<String> = world
            .peers
            .state()
            .leases
            .keys()
            .map(|(_, viewer)| viewer.clone())
            .collect();
        if current == expected {
            Ok(())
        } else {
            Err(format!("{current:?}"))
        }
    })
    .await
    .unwrap();
}
