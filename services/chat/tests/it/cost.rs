//! The MongoDB commands that messages cost, and their durability, observed on the wire.

use std::collections::HashSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use primitives::Role;
use proto::events::v1::realtime::Message as Realtime;
use tonic::{Code, Status};

use crate::command::Command;
use crate::proxy::Fate;
use crate::world::{Client, LIVE, OWNER, TIMEOUT, World};

fn inserts(commands: &[Command]) -> Vec<&Command> {
    let messages = commands.iter().filter(|command| command.is("insert", "messages"));
    messages.collect()
}

/// Delays inserts of messages, as if the majority were far away, so that messages gather.
fn delay_inserts(wait: Duration) -> impl Fn(&Command) -> Fate + Send {
    move |command| {
        if command.is("insert", "messages") {
            Fate::Late(wait)
        } else {
            Fate::Passes
        }
    }
}

async fn send_many(client: &Client, stream: i64, numbers: Range<usize>) {
    let sends = numbers.map(|i| async move {
        let id = format!("c-{i}");
        client.send_with_retries(stream, &i.to_string(), &id).await
    });
    futures::future::join_all(sends).await;
}

#[tokio::test]
async fn every_write_has_majority_concern() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let (viewer, owner) = (
        world.client(&replica, 5, Role::User),
        world.client(&replica, OWNER, Role::User),
    );
    let own = viewer.send("own").await.unwrap();
    let other = viewer.send("other").await.unwrap();
    viewer.delete(&own.id).await.unwrap();
    owner.delete(&other.id).await.unwrap();
    owner.ban(6, Some(60)).await.unwrap();
    owner.unban(6).await.unwrap();
    owner.slow_mode(1).await;
    let seen = proxy.take_commands();
    assert_eq!(inserts(&seen).len(), 2);
    // The commit decides the durability of a transaction's writes.
    let (parts, alone): (Vec<_>, Vec<_>) = seen
        .iter()
        .filter(|command| command.writes())
        .partition(|command| command.is_in_transaction());
    assert_eq!(parts.len(), 4 * 2, "each action and its log entry");
    let commits: Vec<_> = seen
        .iter()
        .filter(|command| command.name() == "commitTransaction")
        .collect();
    assert_eq!(commits.len(), 4);
    for command in alone.into_iter().chain(commits) {
        assert!(command.has_majority_concern(), "{command:?}");
    }
}

#[tokio::test]
async fn simultaneous_messages_share_inserts_and_announcements() {
    const COUNT: usize = 200;
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    proxy.decide(delay_inserts(Duration::from_millis(300)));
    send_many(&client, LIVE, 0..COUNT).await;
    let seen = proxy.take_commands();
    let commands = inserts(&seen);
    println!("{COUNT} messages by {} inserts", commands.len());
    assert!(commands.len() * 10 < COUNT, "{} inserts", commands.len());
    let inserted: usize = commands.iter().map(|command| command.documents).sum();
    assert!(inserted >= COUNT && commands.iter().all(|command| command.documents <= 100));

    let announced = stack::eventually(TIMEOUT, "the announcements", async || {
        world.posted().len() >= COUNT
    });
    announced.await.unwrap();
    let numbers: Vec<i64> = world.posted().iter().map(|posted| posted.seq).collect();
    assert_eq!(numbers, (1..=i64::try_from(COUNT).unwrap()).collect::<Vec<_>>());
    let posted = |message: &Realtime| matches!(message, Realtime::ChatMessagesPosted(_)).then_some(());
    let announcements = world.received.all(posted).len();
    assert!(announcements <= commands.len(), "{announcements} announcements");
}

#[tokio::test]
async fn quiet_rooms_share_inserts() {
    const ROOMS: i64 = 20;
    const EACH: usize = 25;
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    let rooms = 100..100 + ROOMS;
    for room in rooms.clone() {
        world.peers.stream.set_room(room, OWNER, true, 1);
        client.send_in(room, "first", None).await.unwrap();
    }

    // One message per room: they gather behind the insert that is under way.
    proxy.decide(delay_inserts(Duration::from_millis(500)));
    proxy.take_commands();
    futures::future::join_all(rooms.clone().map(|room| send_many(&client, room, 0..1))).await;
    let alone = inserts(&proxy.take_commands()).len();
    println!("a message in each of {ROOMS} rooms by {alone} inserts");
    assert!(alone <= 10, "{alone} inserts");

    // Many messages per room: each room inserts its own together.
    futures::future::join_all(rooms.clone().map(|room| send_many(&client, room, 1..EACH + 1))).await;
    let seen = proxy.take_commands();
    let (commands, messages) = (inserts(&seen).len(), rooms.clone().count() * EACH);
    println!("{messages} messages in {ROOMS} rooms by {commands} inserts");
    assert!(commands * 3 < messages, "{commands} inserts");
    for room in rooms {
        let stored = world.stored(room).await;
        let numbers: Vec<i64> = stored.iter().map(|m| m.get_i64("seq").unwrap()).collect();
        let all = 1..=i64::try_from(EACH).unwrap() + 2;
        assert_eq!(numbers, all.collect::<Vec<_>>(), "room {room}");
    }
}

/// The message is stored, but neither the replica nor the sender receives the acknowledgement.
#[tokio::test]
async fn retry_through_another_replica_returns_the_message() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let (cut_off, other) = (world.replica_behind(&proxy).await, world.fast_replica().await);
    proxy.decide(|command| {
        if command.is("insert", "messages") {
            Fate::Unanswered
        } else {
            Fate::Passes
        }
    });
    let first = world.client(&cut_off, 5, Role::User);
    let error = first.send_in(LIVE, "once", Some("c-1")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!inserts(&proxy.take_commands()).is_empty());
    stack::eventually(TIMEOUT, "the message to be stored", async || {
        world.stored(LIVE).await.len() == 1
    })
    .await
    .unwrap();
    let second = world.client(&other, 5, Role::User);
    let sent = second.send_in(LIVE, "once", Some("c-1")).await.unwrap();
    proxy.decide(|_| Fate::Passes);
    let third = stack::eventually(TIMEOUT, "the first replica to recover", async || {
        first.send_in(LIVE, "once", Some("c-1")).await
    });
    assert_eq!(third.await.unwrap(), sent);
    let stored = world.stored(LIVE).await;
    assert_eq!(stored.len(), 1);
    assert_eq!(
        (
            stored[0].get_str("_id").unwrap(),
            stored[0].get_i64("seq").unwrap()
        ),
        (sent.id.as_str(), 1)
    );
}

/// The collections that are read once per second for an active room.
const ROOM_COLLECTIONS: [&str; 3] = ["rooms", "settings", "log"];

/// The reads that refresh a room's cache never complete. They start before the entries expire, so messages
/// sent in the meantime do not wait.
#[tokio::test]
async fn no_message_waits_for_a_cache_refresh() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    // Try again if no message was sent between the refresh and the expiry of the entry.
    let attempt = stack::eventually(TIMEOUT, "messages during all refreshes", async || {
        proxy.decide(|_| Fate::Passes);
        client.send("first").await?;
        proxy.decide(
            |command| match ROOM_COLLECTIONS.iter().any(|name| command.is("find", name)) {
                true => Fate::Late(TIMEOUT),
                false => Fate::Passes,
            },
        );
        proxy.take_commands();
        let mut refreshed = HashSet::new();
        while refreshed.len() < ROOM_COLLECTIONS.len() {
            client.send("more").await?;
            let seen = proxy.take_commands();
            refreshed.extend(
                ROOM_COLLECTIONS
                    .into_iter()
                    .filter(|name| seen.iter().any(|command| command.is("find", name))),
            );
        }
        Ok::<(), Status>(())
    });
    attempt.await.unwrap();
}

/// A message of a cached user costs one insert, and its room one read per second and collection.
#[tokio::test]
async fn cached_users_cost_no_reads() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    client.send("first").await.unwrap();
    proxy.take_commands();
    let started = Instant::now();
    for i in 0..30 {
        client.send(&i.to_string()).await.unwrap();
    }
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    let seen = proxy.take_commands();
    let finds = |collection: &str| {
        seen.iter()
            .filter(|command| command.is("find", collection))
            .count()
    };
    assert_eq!((finds("bans"), finds("moderators"), finds("messages")), (0, 0, 0));
    for collection in ROOM_COLLECTIONS {
        let reads = finds(collection);
        assert!(reads <= seconds, "{reads} reads of {collection} in {seconds} s");
    }
    assert_eq!(inserts(&seen).len(), 30);
}
