//! Invalid input over sockets is answered with an error, or closes the socket.

use std::ops::RangeInclusive;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, Options};
use crate::world::World;

#[tokio::test]
async fn oversized_unknown_and_invalid_events_are_rejected() {
    let world = World::new().await;
    world.stream(1, true);
    let mut socket = world.socket(5, "ann").await;
    let large = socket
        .ask(
            "chat_message",
            json!({"streamId": 1, "message": "x".repeat(17_000)}),
        )
        .await;
    assert_eq!(
        (&large["ok"], &large["code"]),
        (&json!(false), &json!("event.too_large"))
    );
    assert_eq!(
        socket.ask("drop_tables", Value::Null).await["code"],
        "event.unknown"
    );
    let room = socket
        .ask("join_stream_room", json!({"streamId": "x".repeat(10_000)}))
        .await;
    assert_eq!(room["message"], "Stream not found.");
    for message in [
        json!("   "),
        json!("\u{200b}\u{200b}"),
        json!("x".repeat(501)),
        json!(""),
        json!(null),
        json!(5),
        json!({"a": 1}),
    ] {
        let rejected = socket
            .ask("chat_message", json!({"streamId": 1, "message": message}))
            .await;
        assert_eq!(
            (&rejected["ok"], &rejected["code"]),
            (&json!(false), &json!("request.invalid")),
            "{message}"
        );
        socket.event("message_error").await;
    }
    for after in [json!(-1), json!("x"), json!(1.5)] {
        let rejected = socket
            .ask("join_stream_room", json!({"streamId": 1, "afterSeq": after}))
            .await;
        assert_eq!(rejected["code"], "request.invalid");
    }
    let fits = socket
        .ask("chat_message", json!({"streamId": 1, "message": "x".repeat(500)}))
        .await;
    assert_eq!(fits["ok"], true, "{fits}");

    socket
        .emit(
            "chat_message",
            json!({"streamId": 1, "message": "x".repeat(101_000)}),
        )
        .await;
    socket.event("disconnect").await;
    world.guest().await.join(1).await;
}

#[tokio::test]
async fn flood_is_answered_with_errors() {
    let world = World::new().await;
    world.stream(1, true);
    let mut socket = world.socket(5, "ann").await;
    let answers = socket
        .burst(
            "chat_message",
            (0..60)
                .map(|n| json!({"streamId": 1, "message": format!("{n}")}))
                .collect(),
        )
        .await;
    let passed: Vec<i64> = answers
        .iter()
        .filter_map(|answer| answer["seq"].as_i64())
        .collect();
    assert!((40..60).contains(&passed.len()), "{} of 60 passed", passed.len());
    assert!(
        passed.is_sorted(),
        "events of one socket stay in order: {passed:?}"
    );
    let rejected: Vec<_> = answers.iter().filter(|answer| answer["ok"] == false).collect();
    assert!(
        rejected
            .iter()
            .all(|answer| answer["code"] == "event.too_many" && answer["retryAfterMs"] == 1000)
    );
    // The allowance refills while the flood goes on, so one of the late events may pass again.
    let acknowledged = answers
        .iter()
        .enumerate()
        .filter(|(_, answer)| answer["ok"] == true)
        .map(|(n, _)| n.to_string());
    let stored = world.peers.state().messages[&1]
        .iter()
        .map(|m| m.message.clone())
        .collect::<Vec<_>>();
    assert_eq!(stored, acknowledged.collect::<Vec<_>>());
}

#[tokio::test]
async fn rooms_per_socket_are_limited() {
    let world = World::with(|config| config.socket.gateway_socket_rooms = 3).await;
    (1..=4).for_each(|id| world.stream(id, true));
    let mut socket = world.guest().await;
    for id in 1..=3 {
        socket.join(id).await;
    }
    let rejected = socket.ask("join_stream_room", json!({"streamId": 4})).await;
    assert_eq!(
        (&rejected["ok"], &rejected["code"]),
        (&json!(false), &json!("room.too_many"))
    );
    socket.ask("leave_stream_room", json!({"streamId": 2})).await;
    socket.join(4).await;
}

#[tokio::test]
async fn other_origins_are_rejected_if_some_are_allowed() {
    let world =
        World::with(|config| config.public.gateway_allowed_origins = vec!["https://app.example".to_owned()])
            .await;
    for transport in ["websocket", "polling"] {
        let with = |origin: &str| Options {
            headers: json!({ "origin": origin }),
            transport,
            ..Options::default()
        };
        let mut foreign = Client::start(&world.app.socket, &with("https://evil.example"));
        foreign.event("connect_error").await;
        Client::start(&world.app.socket, &with("https://app.example"))
            .event("connect")
            .await;
    }
    world.guest().await;
}

#[tokio::test]
async fn socket_listener_serves_only_socket_io() {
    let world = World::new().await;
    for path in ["/", "/socket.iox/", "/socket.io/more", "/api/streams", "/metrics"] {
        let response = world
            .http
            .get(format!("{}{path}", world.app.socket))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
    let old = world
        .http
        .get(format!("{}/socket.io/?EIO=3&transport=polling", world.app.socket))
        .send()
        .await
        .unwrap();
    assert_eq!(old.status(), 400);
}

/// A polling client that sends raw packets.
struct RawClient<'a> {
    world: &'a World,
    session: String,
}

impl<'a> RawClient<'a> {
    /// Opens a session without joining the namespace.
    async fn open(world: &'a World) -> Self {
        let url = format!("{}/socket.io/?EIO=4&transport=polling", world.app.socket);
        let mut client = Self { world, session: url };
        let opened: Value = serde_json::from_str(&client.get().await[1..]).unwrap();
        client.session += &format!("&sid={}", opened["sid"].as_str().unwrap());
        client
    }

    /// Opens a session and joins the namespace.
    async fn connected(world: &'a World) -> Self {
        let client = Self::open(world).await;
        assert_eq!(client.post("40").await, 200);
        client.read_until("40{").await;
        client
    }

    async fn get(&self) -> String {
        let answer = self.world.http.get(&self.session).send().await.unwrap();
        answer.text().await.unwrap()
    }

    async fn post(&self, packet: &str) -> StatusCode {
        let request = self.world.http.post(&self.session).body(packet.to_owned());
        request.send().await.unwrap().status()
    }

    /// Reads packets until they contain a text.
    async fn read_until(&self, text: &str) -> String {
        let mut read = String::new();
        while !read.contains(text) {
            let packets = self.get().await;
            assert!(!packets.starts_with('{'), "no {text}: {packets}");
            read += &packets;
        }
        read
    }
}

/// Binary attachments, acknowledgement ids out of range, and malformed packets.
#[tokio::test]
async fn malformed_packets_do_no_harm() {
    let world = World::new().await;
    world.stream(1, true);
    let client = RawClient::connected(&world).await;
    client
        .post("451-7[\"chat_message\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAAEC")
        .await;
    let answer = client.read_until("437[").await;
    assert!(answer.contains("event.malformed"), "{answer}");
    // Handled like an event without an acknowledgement.
    let huge = format!("42{}[\"leave_stream_room\",{{\"streamId\":1}}]", "9".repeat(40));
    assert_eq!(client.post(&huge).await, 200);
    client.post(r#"428["leave_stream_room",{"streamId":1}]"#).await;
    let answer = client.read_until("438[").await;
    assert!(
        !answer.contains("439") && answer.contains("\"ok\":true"),
        "{answer}"
    );

    for nonsense in [
        "42[",
        "42\"text\"",
        "42{}",
        "4",
        "9",
        "",
        "45999-[\"x\"]",
        "4\u{1}",
        "b!",
        "42[1]",
        "48",
    ] {
        RawClient::connected(&world).await.post(nonsense).await;
    }
    world.guest().await.join(1).await;
}

/// A packet before CONNECT, and CONNECT twice.
#[tokio::test]
async fn packets_out_of_turn_do_no_harm() {
    let world = World::new().await;
    world.stream(1, true);
    let early = RawClient::open(&world).await;
    early.post(r#"42["join_stream_room",{"streamId":1}]"#).await;
    assert_eq!(world.peers.state().leases.len(), 0);
    RawClient::open(&world).await.post("40/admin,").await;

    let twice = RawClient::connected(&world).await;
    for packet in ["40", r#"42["join_stream_room",{"streamId":1}]"#, "40"] {
        assert_eq!(twice.post(packet).await, 200);
    }
    stack::eventually(crate::world::SOON, "one presence entry", async || {
        world.peers.state().leases.len() == 1
    })
    .await
    .unwrap();
    world.guest().await.join(1).await;
}

/// A client that does not read delays no other. It lags, loses nothing while the room remembers what it
/// missed, and is then disconnected.
#[tokio::test]
async fn slow_client_lags_then_is_disconnected() {
    let world = World::with(|config| config.socket.gateway_socket_buffer = 16).await;
    world.stream(1, true);
    let slow = RawClient::connected(&world).await;
    // Like the official client, it sends events only once it is connected.
    slow.post(r#"42["join_stream_room",{"streamId":1}]"#).await;
    slow.read_until("viewer_count_updated").await;
    let mut reader = world.guest().await;
    reader.join(1).await;
    let bob = world.user(6, "bob");
    let send = async |reader: &mut Client, numbers: RangeInclusive<i64>| {
        for n in numbers {
            let message = world.peers.post(1, &bob, &format!("{n}"));
            world.peers.announce(&message);
            // One by one, so that the reader itself never lags.
            assert_eq!(reader.event("new_message").await["seq"], n);
        }
    };

    send(&mut reader, 1..=60).await;
    let first = slow.get().await;
    let kept = first.matches("new_message").count();
    assert!((1..=16).contains(&kept), "{kept} packets were queued");
    let mut seen = seqs(&first);
    while seen.len() < 60 {
        seen.extend(seqs(&slow.get().await));
    }
    assert_eq!(seen, (1..=60).collect::<Vec<_>>(), "a message was lost");

    send(&mut reader, 61..=600).await;
    // The session was closed without a disconnect packet, so its client would reconnect.
    stack::eventually(crate::world::SOON, "the session's end", async || {
        slow.get().await.contains("Session ID unknown")
    })
    .await
    .unwrap();
    stack::eventually(
        crate::world::SOON,
        "the release of the slow client's lease",
        async || world.peers.state().leases.len() == 1,
    )
    .await
    .unwrap();
}

/// Returns the sequence numbers of the messages among a polling client's packets.
fn seqs(packets: &str) -> Vec<i64> {
    packets
        .split('\u{1e}')
        .filter_map(|packet| packet.strip_prefix("42[\"new_message\","))
        .map(|data| {
            let message: Value = serde_json::from_str(data.strip_suffix(']').unwrap()).unwrap();
            message["seq"].as_i64().unwrap()
        })
        .collect()
}
