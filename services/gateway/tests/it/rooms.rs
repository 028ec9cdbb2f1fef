//! Rooms: history, order and gaps of messages.

use std::time::Duration;

use proto::events::v1::ChatMessageDeleted;
use proto::events::v1::realtime::Message;
use serde_json::{Value, json};

use crate::client::Client;
use crate::world::World;

fn seqs(messages: &[Value]) -> Vec<i64> {
    messages
        .iter()
        .map(|message| message["seq"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn message_reaches_the_whole_room() {
    let world = World::new().await;
    world.stream(1, true);
    let (mut ann, mut bob, mut away) = (
        world.socket(5, "ann").await,
        world.socket(6, "bob").await,
        world.socket(7, "cy").await,
    );
    ann.join(1).await;
    bob.join(1).await;
    let answer = ann
        .ask(
            "chat_message",
            json!({"streamId": "1", "message": " xin chào <b>& ", "clientMessageId": "a"}),
        )
        .await;
    assert_eq!(
        (&answer["ok"], &answer["seq"], &answer["id"]),
        (&json!(true), &json!(1), &json!("m-1"))
    );
    for socket in [&mut ann, &mut bob] {
        let got = socket.event("new_message").await;
        assert_eq!(
            (&got["message"], &got["username"]),
            (&json!("xin chào <b>&"), &json!("ann"))
        );
        assert_eq!(
            (&got["streamId"], &got["userId"], &got["seq"]),
            (&json!(1), &json!(5), &json!(1))
        );
        assert!(got["id"].is_string() && got["timestamp"].is_string());
    }
    // Delivered once, although the acknowledgement, the broker and perhaps the poll all deliver it, and to no
    // socket outside the room.
    for socket in [&mut ann, &mut bob, &mut away] {
        assert_eq!(
            socket.all("new_message", Duration::from_millis(400)).await.len(),
            0
        );
    }
    bob.ask("leave_stream_room", json!({"streamId": 1})).await;
    ann.ask("chat_message", json!({"streamId": 1, "message": "anyone here?"}))
        .await;
    assert_eq!(bob.all("new_message", Duration::from_millis(400)).await.len(), 0);
}

#[tokio::test]
async fn history_has_the_newest_or_the_missed_messages() {
    let world = World::new().await;
    world.stream(1, true);
    let bob = world.user(6, "bob");
    for n in 1..=700 {
        world.peers.post(1, &bob, &format!("message {n}"));
    }
    world.peers.state().messages.get_mut(&1).unwrap()[698].deleted = true;
    let mut socket = world.guest().await;
    let first = socket.join(1).await;
    assert_eq!(
        (first["streamId"].as_i64(), &first["truncated"]),
        (Some(1), &json!(true))
    );
    let newest: Vec<i64> = (681..=700).filter(|n| *n != 699).collect();
    assert_eq!(
        seqs(first["messages"].as_array().unwrap()),
        newest,
        "without the deleted message"
    );

    for (after, last, truncated) in [
        (690, 700, false),
        (400, 700, false),
        (0, 500, true),
        (700, 700, false),
    ] {
        socket
            .ask("join_stream_room", json!({"streamId": 1, "afterSeq": after}))
            .await;
        let history = socket.event("recent_chat_history").await;
        let expected: Vec<i64> = (after + 1..=last).filter(|n| *n != 699).collect();
        assert_eq!(
            seqs(history["messages"].as_array().unwrap()),
            expected,
            "after {after}"
        );
        assert_eq!(history["truncated"], truncated, "after {after}");
    }
}

/// A history of deleted messages only would not tell the client where to continue.
#[tokio::test]
async fn history_skips_pages_of_deleted_messages() {
    let world = World::new().await;
    world.stream(1, true);
    let bob = world.user(6, "bob");
    for n in 1..=1200 {
        world.peers.post(1, &bob, &format!("message {n}"));
    }
    for message in &mut world.peers.state().messages.get_mut(&1).unwrap()[..600] {
        message.deleted = true;
    }
    let mut socket = world.guest().await;
    socket
        .ask("join_stream_room", json!({"streamId": 1, "afterSeq": 0}))
        .await;
    let history = socket.event("recent_chat_history").await;
    let seqs = seqs(history["messages"].as_array().unwrap());
    assert_eq!((seqs[0], *seqs.last().unwrap()), (601, 1000));
    assert_eq!(history["truncated"], true);
}

#[tokio::test]
async fn join_is_rejected_unless_the_stream_is_live() {
    let world = World::new().await;
    world.stream(2, false);
    let mut socket = world.guest().await;
    for (data, message) in [
        (Value::Null, "Stream ID is required."),
        (json!({}), "Stream ID is required."),
        (json!({"streamId": ""}), "Stream ID is required."),
        (json!({"streamId": "abc"}), "Stream not found."),
        (json!({"streamId": 99}), "Stream not found."),
        (json!({"streamId": 2}), "Stream is not live."),
    ] {
        let answer = socket.ask("join_stream_room", data).await;
        assert_eq!(
            (&answer["ok"], &answer["message"]),
            (&json!(false), &json!(message))
        );
        assert_eq!(socket.event("room_join_error").await["message"], message);
    }
}

#[tokio::test]
async fn messages_arrive_in_order_and_without_gaps() {
    let world = World::new().await;
    world.stream(1, true);
    let mut socket = world.guest().await;
    socket.join(1).await;
    let bob = world.user(6, "bob");
    let messages: Vec<_> = (1..=6)
        .map(|n| world.peers.post(1, &bob, &format!("{n}")))
        .collect();
    // 2 overtakes 1, 4 is never announced, 5 arrives twice, 6 is never announced and no message follows it.
    for n in [2, 1, 3, 5, 5] {
        world.peers.announce(&messages[n - 1]);
    }
    for n in 1..=6 {
        assert_eq!(
            socket.event("new_message").await["seq"],
            n,
            "out of order, or missing"
        );
    }
    assert_eq!(
        socket.all("new_message", Duration::from_millis(300)).await.len(),
        0
    );
    let together: Vec<_> = (7..=9)
        .map(|n| world.peers.post(1, &bob, &format!("{n}")))
        .collect();
    world.peers.announce_together(&together);
    for n in 7..=9 {
        assert_eq!(socket.event("new_message").await["seq"], n);
    }

    delete(&world, 3);
    assert_eq!(
        socket.event("message_deleted").await,
        json!({"streamId": 1, "id": "m-3", "seq": 3})
    );
    socket.ask("join_stream_room", json!({"streamId": 1})).await;
    let history = socket.event("recent_chat_history").await;
    let seqs = seqs(history["messages"].as_array().unwrap());
    assert_eq!(seqs, [1, 2, 4, 5, 6, 7, 8, 9]);
}

fn delete(world: &World, seq: i64) {
    let deleted = ChatMessageDeleted {
        stream_id: 1,
        id: format!("m-{seq}"),
        seq,
    };
    world
        .peers
        .push(bus::Realtime::stream_key(1), Message::ChatMessageDeleted(deleted));
}

/// Two replicas of the chat service may announce a message and its deletion in either order.
#[tokio::test]
async fn deletion_may_overtake_its_message() {
    let world = World::new().await;
    world.stream(1, true);
    let mut socket = world.guest().await;
    socket.join(1).await;
    let bob = world.user(6, "bob");
    let messages: Vec<_> = (1..=3)
        .map(|n| world.peers.post(1, &bob, &format!("{n}")))
        .collect();
    // 2 is deleted before it arrives, 3 while it waits for 1.
    delete(&world, 2);
    world.peers.announce(&messages[2]);
    delete(&world, 3);
    assert_eq!(socket.event("message_deleted").await["seq"], 2);
    assert_eq!(socket.event("message_deleted").await["seq"], 3);
    world.peers.announce(&messages[0]);
    world.peers.announce(&messages[1]);
    assert_eq!(socket.event("new_message").await["seq"], 1);
    world.peers.announce(&world.peers.post(1, &bob, "4"));
    assert_eq!(socket.event("new_message").await["seq"], 4, "2 and 3 are deleted");
}

#[tokio::test]
async fn returning_client_misses_no_message() {
    let world = World::new().await;
    world.stream(1, true);
    let mut ann = world.socket(5, "ann").await;
    ann.join(1).await;
    let mut seen = Vec::new();
    let bob = world.user(6, "bob");
    for round in 0..3 {
        for n in 0..5 {
            let message = world.peers.post(1, &bob, &format!("{round} {n}"));
            world.peers.announce(&message);
        }
        seen.extend(seqs(&[ann
            .event_that("new_message", |m| m["seq"] == round * 10 + 1)
            .await]));
        for _ in 0..4 {
            seen.push(ann.event("new_message").await["seq"].as_i64().unwrap());
        }
        ann = reconnect(&world, ann, &bob, &mut seen).await;
    }
    assert_eq!(seen, (1..=30).collect::<Vec<_>>());
}

/// Kills the client, and joins with a new one after five messages and the last sequence number.
async fn reconnect(world: &World, ann: Client, bob: &identity::User, seen: &mut Vec<i64>) -> Client {
    ann.kill().await;
    for n in 0..5 {
        let message = world.peers.post(1, bob, &format!("missed {n}"));
        world.peers.announce(&message);
    }
    let mut ann = world.socket(5, "ann").await;
    let joined = ann
        .ask(
            "join_stream_room",
            json!({"streamId": 1, "afterSeq": seen.last()}),
        )
        .await;
    assert_eq!(joined["ok"], true);
    seen.extend(seqs(
        ann.event("recent_chat_history").await["messages"]
            .as_array()
            .unwrap(),
    ));
    ann
}
