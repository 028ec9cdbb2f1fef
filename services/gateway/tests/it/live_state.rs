//! Viewers of rooms, and how rooms follow the live state of their stream.

use std::time::Duration;

use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message;
use proto::events::v1::{StreamDeleted, StreamEnded, StreamStarted, StreamUpdated, ViewerCountChanged};
use serde_json::json;

use crate::sockets::leases;
use crate::world::World;

async fn ended(world: &World, version: i64) {
    world
        .peers
        .state()
        .rooms
        .insert(1, crate::peers::Room { live: false, version });
    world
        .emit(
            Payload::StreamEnded(StreamEnded {
                stream_id: 1,
                ..StreamEnded::default()
            }),
            1,
            version,
        )
        .await;
}

async fn started(world: &World, version: i64) {
    world
        .peers
        .state()
        .rooms
        .insert(1, crate::peers::Room { live: true, version });
    world
        .emit(
            Payload::StreamStarted(StreamStarted {
                stream_id: 1,
                ..StreamStarted::default()
            }),
            1,
            version,
        )
        .await;
}

#[tokio::test]
async fn tabs_of_a_user_count_as_one_viewer() {
    let world = World::new().await;
    world.stream(1, true);
    let mut tab = world.socket(5, "ann").await;
    tab.join(1).await;
    assert_eq!(
        tab.event("viewer_count_updated").await,
        json!({"streamId": 1, "count": 1}),
        "soon after joining"
    );
    let mut second = world.socket(5, "ann").await;
    second.join(1).await;
    assert_eq!(second.event("viewer_count_updated").await["count"], 1);
    let mut bob = world.socket(6, "bob").await;
    bob.join(1).await;
    leases(&world, &["u:5", "u:6"]).await;
    let changed = ViewerCountChanged {
        stream_id: 1,
        count: 2,
    };
    world
        .peers
        .push(bus::Realtime::stream_key(1), Message::ViewerCountChanged(changed));
    tab.event_that("viewer_count_updated", |update| update["count"] == 2)
        .await;

    second.kill().await;
    bob.emit("leave_stream_room", json!({"streamId": 1})).await;
    leases(&world, &["u:5"]).await;
    tab.kill().await;
    leases(&world, &[]).await;
}

#[tokio::test]
async fn room_follows_end_restart_and_deletion_of_its_stream() {
    let world = World::new().await;
    world.stream(1, true);
    let (mut ann, mut bob) = (world.socket(5, "ann").await, world.socket(6, "bob").await);
    ann.join(1).await;
    bob.join(1).await;
    leases(&world, &["u:5", "u:6"]).await;

    ended(&world, 5).await;
    for socket in [&mut ann, &mut bob] {
        let end = socket.event("stream_ended_notification").await;
        assert_eq!((&end["streamId"], &end["roomId"]), (&json!(1), &json!("1")));
        assert!(end["message"].is_string());
    }
    leases(&world, &[]).await;
    assert_eq!(
        ann.ask("join_stream_room", json!({"streamId": 1})).await["message"],
        "Stream is not live."
    );
    bob.ask("leave_stream_room", json!({"streamId": 1})).await;

    started(&world, 7).await;
    assert_eq!(ann.event("stream_started").await, json!({"streamId": 1}));
    ann.join(1).await;
    // An event from before the start arrives late.
    world
        .emit(
            Payload::StreamEnded(StreamEnded {
                stream_id: 1,
                ..StreamEnded::default()
            }),
            1,
            6,
        )
        .await;
    let title = StreamUpdated {
        stream_id: 1,
        title: "New".to_owned(),
        ..StreamUpdated::default()
    };
    world.emit(Payload::StreamUpdated(title), 1, 8).await;
    assert_eq!(ann.event("stream_updated").await["title"], "New");
    assert_eq!(
        ann.all("stream_ended_notification", Duration::from_millis(200))
            .await
            .len(),
        0
    );
    assert_eq!(
        bob.all("stream_started", Duration::from_millis(100)).await.len(),
        0,
        "bob had left"
    );

    world.peers.state().rooms.remove(&1);
    world
        .emit(
            Payload::StreamDeleted(StreamDeleted {
                stream_id: 1,
                user_id: 7,
            }),
            1,
            9,
        )
        .await;
    ann.event("stream_ended_notification").await;
    assert_eq!(
        ann.ask("join_stream_room", json!({"streamId": 1})).await["message"],
        "Stream not found."
    );
}

/// A viewer joins while requests for viewer counts hang.
#[tokio::test]
async fn slow_viewer_counts_delay_no_lease() {
    let world = World::new().await;
    (1..=8).for_each(|id| world.stream(id, true));
    let mut guest = world.guest().await;
    for id in 1..=8 {
        guest.join(id).await;
        guest.event("viewer_count_updated").await;
    }
    let mut ann = world.socket(5, "ann").await;
    world.peers.state().rooms_take = Duration::from_secs(60);
    // The rooms are loaded, so only their counts are fetched.
    for id in 1..=8 {
        guest.join(id).await;
    }
    ann.join(1).await;
    stack::eventually(Duration::from_secs(10), "ann's lease", async || {
        world.peers.state().leases.contains_key(&(1, "u:5".to_owned()))
    })
    .await
    .unwrap();
}
