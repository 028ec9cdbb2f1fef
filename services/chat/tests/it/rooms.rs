//! Live, ended and deleted rooms, and deleted accounts.

use primitives::Role;
use proto::error_from_status;
use proto::events::v1::event::Payload;
use proto::events::v1::realtime::Message as Realtime;
use proto::events::v1::{StreamDeleted, StreamEnded, StreamStarted, UserDeleted};
use tonic::Code;

use crate::world::{LIVE, OWNER, TIMEOUT, World};

fn started(stream: i64) -> Payload {
    Payload::StreamStarted(StreamStarted {
        stream_id: stream,
        user_id: OWNER,
        broadcast_id: 1,
        ..Default::default()
    })
}

fn ended(stream: i64) -> Payload {
    Payload::StreamEnded(StreamEnded {
        stream_id: stream,
        user_id: OWNER,
        broadcast_id: 1,
        reason: "stopped".to_owned(),
    })
}

/// Waits until sending to a room has this outcome.
async fn wait_for_outcome(client: &crate::world::Client, stream: i64, code: Option<&str>) {
    let wait = stack::eventually(TIMEOUT, "the room to change", async || {
        let outcome = client.send_in(stream, "x", None).await;
        let error = outcome
            .err()
            .map(|status| error_from_status(&status).code.into_owned());
        if error.as_deref() == code {
            Ok(())
        } else {
            Err(format!("{error:?}"))
        }
    });
    wait.await.unwrap();
}

#[tokio::test]
async fn only_live_rooms_accept_messages() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    let error = client.send_in(99, "x", None).await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Code::NotFound, "Stream not found.")
    );
    world.peers.stream.set_room(8, OWNER, false, 1);
    let error = client.send_in(8, "x", None).await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Code::AlreadyExists, "Stream is not live.")
    );
    // At most one request per second.
    let before = world.peers.stream.room_requests();
    for _ in 0..20 {
        client.send_in(8, "x", None).await.unwrap_err();
    }
    assert!(
        world.peers.stream.room_requests() - before < 15,
        "{}",
        world.peers.stream.room_requests() - before
    );
    // The stream just started, and its event has not arrived yet.
    world.peers.stream.set_room(8, OWNER, true, 2);
    wait_for_outcome(&client, 8, None).await;
}

#[tokio::test]
async fn events_apply_in_any_order() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    world.publish("stream.started", started(20), 5).await;
    world.peers.set_unavailable(true);
    wait_for_outcome(&client, 20, None).await;
    // An older end arrives late, then the newer one.
    world.publish("stream.ended", ended(20), 4).await;
    world.publish("stream.ended", ended(21), 6).await;
    wait_for_outcome(&client, 21, Some("stream.not_live")).await;
    assert!(client.send_in(20, "x", None).await.is_ok());
    world.publish("stream.ended", ended(20), 6).await;
    wait_for_outcome(&client, 20, Some("stream.not_live")).await;
    // No service knows this one.
    wait_for_outcome(&client, 22, Some("service.unavailable")).await;
}

#[tokio::test]
async fn deleted_stream_deletes_its_room() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    for i in 0..5 {
        client.send(&i.to_string()).await.unwrap();
    }
    let owner = world.client(&replica, OWNER, Role::User);
    owner.ban(6, None).await.unwrap();
    owner.add_moderator(8).await.unwrap();
    owner.slow_mode(1).await;
    assert_eq!(client.list(10, None).await.head, 5);
    let lists = ["bans", "moderators", "settings", "log"];
    for list in lists {
        assert!(world.count(list, LIVE).await > 0, "{list}");
    }
    let deleted = Payload::StreamDeleted(StreamDeleted {
        stream_id: LIVE,
        user_id: OWNER,
    });
    world.publish("stream.deleted", deleted, 9).await;
    wait_for_outcome(&client, LIVE, Some("stream.not_found")).await;
    stack::eventually(TIMEOUT, "the room to be empty", async || {
        world.stored(LIVE).await.is_empty()
    })
    .await
    .unwrap();
    let wait = stack::eventually(TIMEOUT, "the room's lists to be empty", async || {
        let left = futures::future::join_all(lists.map(|list| world.count(list, LIVE))).await;
        left.iter().all(|count| *count == 0)
    });
    wait.await.unwrap();
    // This replica had cached a latest number.
    assert_eq!(client.list(10, None).await.head, 0);
    let error = owner.ban(6, None).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    // A late start does not restore it.
    world.publish("stream.started", started(LIVE), 8).await;
    world.publish("stream.started", started(23), 1).await;
    wait_for_outcome(&client, 23, None).await;
    wait_for_outcome(&client, LIVE, Some("stream.not_found")).await;
}

#[tokio::test]
async fn deleted_account_is_erased() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let (client, owner) = (
        world.client(&replica, 5, Role::User),
        world.client(&replica, OWNER, Role::User),
    );
    let mine = client.send_in(LIVE, "mine", Some("c-1")).await.unwrap();
    world.client(&replica, 6, Role::User).send("yours").await.unwrap();
    owner.ban(6, None).await.unwrap();
    owner.add_moderator(5).await.unwrap();
    owner.ban(5, Some(3600)).await.unwrap();
    world
        .publish(
            "user.deleted",
            Payload::UserDeleted(UserDeleted { user_id: 5 }),
            3,
        )
        .await;
    let wait = stack::eventually(TIMEOUT, "the name to disappear", async || {
        client
            .list(10, None)
            .await
            .messages
            .iter()
            .all(|message| message.user_id != 5)
    });
    wait.await.unwrap();
    let messages = client.list(10, None).await.messages;
    let erased = &messages[0];
    assert_eq!(
        (
            erased.seq,
            erased.user_id,
            erased.username.as_str(),
            erased.message.as_str(),
            erased.deleted
        ),
        (1, 0, "deleted user", "", true)
    );
    assert_eq!((messages[1].user_id, messages[1].username.as_str()), (6, "user6"));
    assert!(world.stored(LIVE).await[0].get("clientMessageId").is_none());
    // The deletion is published.
    let deleted = |m: &Realtime| match m {
        Realtime::ChatMessageDeleted(deleted) => Some((deleted.id.clone(), deleted.seq)),
        _ => None,
    };
    assert_eq!(world.received.first("the deletion", deleted).await, (mine.id, 1));
    let wait = stack::eventually(TIMEOUT, "the account to leave the lists", async || {
        let moderators = world.count("moderators", LIVE).await;
        (moderators, world.count("bans", LIVE).await) == (0, 1)
    });
    wait.await.unwrap();
}
