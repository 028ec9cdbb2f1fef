//! What messages cost MongoDB, and what it promises of them: counted on the wire.

use std::collections::HashSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use primitives::Role;
use proto::events::v1::realtime::Message as Realtime;
use tonic::{Code, Status};

use crate::command::Command;
use crate::proxy::Fate;
use crate::world::{Client, LIVE, OWNER, SOON, World};

fn inserts(commands: &[Command]) -> Vec<&Command> {
    let messages = commands.iter().filter(|command| command.is("insert", "messages"));
    messages.collect()
}

/// Makes inserts of messages slow, as with a majority that is far away, so that messages gather.
fn far_away(wait: Duration) -> impl Fn(&Command) -> Fate + Send {
    move |command| {
        if command.is("insert", "messages") {
            Fate::Late(wait)
        } else {
            Fate::Passes
        }
    }
}

async fn say_many(client: &Client, stream: i64, many: Range<usize>) {
    let sends = many.map(|i| async move {
        let id = format!("c-{i}");
        client.say_until_heard(stream, &i.to_string(), &id).await
    });
    futures::future::join_all(sends).await;
}

#[tokio::test]
async fn whatever_is_written_is_on_the_disks_of_a_majority() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let (viewer, owner) = (
        world.client(&replica, 5, Role::User),
        world.client(&replica, OWNER, Role::User),
    );
    let mine = viewer.say("mine").await.unwrap();
    let theirs = viewer.say("theirs").await.unwrap();
    viewer.delete(&mine.id).await.unwrap();
    owner.delete(&theirs.id).await.unwrap();
    owner.ban(6, Some(60)).await.unwrap();
    owner.unban(6).await.unwrap();
    owner.slow_mode(1).await;
    let seen = proxy.seen();
    assert_eq!(inserts(&seen).len(), 2);
    // What is part of a transaction is promised by its commit.
    let (parts, alone): (Vec<_>, Vec<_>) = seen
        .iter()
        .filter(|command| command.writes())
        .partition(|command| command.is_in_transaction());
    assert_eq!(parts.len(), 4 * 2, "each act and its entry");
    let commits: Vec<_> = seen
        .iter()
        .filter(|command| command.name() == "commitTransaction")
        .collect();
    assert_eq!(commits.len(), 4);
    for command in alone.into_iter().chain(commits) {
        assert!(command.waits_for_the_majority(), "{command:?}");
    }
}

#[tokio::test]
async fn messages_of_a_room_that_arrive_together_are_written_and_told_together() {
    const MANY: usize = 200;
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    proxy.treat(far_away(Duration::from_millis(300)));
    say_many(&client, LIVE, 0..MANY).await;
    let seen = proxy.seen();
    let commands = inserts(&seen);
    println!("{MANY} messages by {} inserts", commands.len());
    assert!(commands.len() * 10 < MANY, "{} inserts", commands.len());
    let brought: usize = commands.iter().map(|command| command.documents).sum();
    assert!(brought >= MANY && commands.iter().all(|command| command.documents <= 100));

    let told = stack::eventually(SOON, "the announcements", async || world.posted().len() >= MANY);
    told.await.unwrap();
    let numbers: Vec<i64> = world.posted().iter().map(|posted| posted.seq).collect();
    assert_eq!(numbers, (1..=i64::try_from(MANY).unwrap()).collect::<Vec<_>>());
    let heard = world.heard.lock().unwrap();
    let announcements = heard
        .iter()
        .filter(|message| matches!(message, Realtime::ChatMessagesPosted(_)))
        .count();
    assert!(announcements <= commands.len(), "{announcements} announcements");
}

#[tokio::test]
async fn twenty_rooms_at_once_share_what_they_can() {
    const ROOMS: i64 = 20;
    const EACH: usize = 25;
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    let rooms = 100..100 + ROOMS;
    for room in rooms.clone() {
        world.peers.room(room, OWNER, true, 1);
        client.say_in(room, "first", None).await.unwrap();
    }

    // One in each room: they have to wait for one another, and so go together.
    proxy.treat(far_away(Duration::from_millis(500)));
    proxy.seen();
    futures::future::join_all(rooms.clone().map(|room| say_many(&client, room, 0..1))).await;
    let alone = inserts(&proxy.seen()).len();
    println!("a message in each of {ROOMS} rooms by {alone} inserts");
    assert!(alone <= 10, "{alone} inserts");

    // Many in each room: each room's go together.
    futures::future::join_all(rooms.clone().map(|room| say_many(&client, room, 1..EACH + 1))).await;
    let seen = proxy.seen();
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

/// The message was stored, but neither the replica nor the sender heard of it.
#[tokio::test]
async fn a_repeat_through_another_replica_is_the_same_message() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let (lonely, other) = (world.replica_behind(&proxy).await, world.fast_replica().await);
    proxy.treat(|command| {
        if command.is("insert", "messages") {
            Fate::Unanswered
        } else {
            Fate::Passes
        }
    });
    let unheard = world.client(&lonely, 5, Role::User);
    let refused = unheard.say_in(LIVE, "once", Some("c-1")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(!inserts(&proxy.seen()).is_empty());
    stack::eventually(SOON, "the message to be stored", async || {
        world.stored(LIVE).await.len() == 1
    })
    .await
    .unwrap();
    let again = world.client(&other, 5, Role::User);
    let sent = again.say_in(LIVE, "once", Some("c-1")).await.unwrap();
    proxy.treat(|_| Fate::Passes);
    let third = stack::eventually(SOON, "the first replica to recover", async || {
        unheard.say_in(LIVE, "once", Some("c-1")).await
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

/// What is asked about a room once a second, all the same who speaks.
const ABOUT_A_ROOM: [&str; 3] = ["rooms", "settings", "log"];

/// The question is not answered in time. That it is asked before the answer expires is of use to those who
/// speak meanwhile.
#[tokio::test]
async fn no_message_waits_for_what_is_asked_again() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    // Again when nothing was said between the question and the end of the answer before it.
    let tried = stack::eventually(SOON, "messages beside all questions", async || {
        proxy.treat(|_| Fate::Passes);
        client.say("first").await?;
        proxy.treat(
            |command| match ABOUT_A_ROOM.iter().any(|about| command.is("find", about)) {
                true => Fate::Late(SOON),
                false => Fate::Passes,
            },
        );
        proxy.seen();
        let mut asked = HashSet::new();
        while asked.len() < ABOUT_A_ROOM.len() {
            client.say("more").await?;
            let seen = proxy.seen();
            asked.extend(
                ABOUT_A_ROOM
                    .into_iter()
                    .filter(|about| seen.iter().any(|command| command.is("find", about))),
            );
        }
        Ok::<(), Status>(())
    });
    tried.await.unwrap();
}

/// Whoever is known, in a room that is known, costs an insert and nothing else; the room is asked for once a
/// second.
#[tokio::test]
async fn a_message_asks_nothing_that_is_known() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    client.say("first").await.unwrap();
    proxy.seen();
    let began = Instant::now();
    for i in 0..30 {
        client.say(&i.to_string()).await.unwrap();
    }
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap() + 2;
    let seen = proxy.seen();
    let finds = |collection: &str| {
        seen.iter()
            .filter(|command| command.is("find", collection))
            .count()
    };
    assert_eq!((finds("bans"), finds("moderators"), finds("messages")), (0, 0, 0));
    for once_a_second in ABOUT_A_ROOM {
        let asked = finds(once_a_second);
        assert!(
            asked <= seconds,
            "{asked} questions for {once_a_second} in {seconds} s"
        );
    }
    assert_eq!(inserts(&seen).len(), 30);
}
