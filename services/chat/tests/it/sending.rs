//! Sending, storing, publishing and listing messages.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mongodb::bson::Bson;
use primitives::Role;
use proto::chat::v1::HeadsRequest;
use proto::chat::v1::list_messages_request::From;
use proto::error_from_status;
use tonic::Code;

use crate::world::{Client, LIVE, Replica, TIMEOUT, World};

#[tokio::test]
async fn a_message_is_stored_announced_and_listed() {
    let world = World::new().await;
    let replica = world.replica(|_| {}).await;
    let client = world.client(&replica, 5, Role::User);
    let sent = client
        .send_in(LIVE, "  <b>hello</b> ", Some("c-1"))
        .await
        .unwrap();
    assert_eq!((sent.seq, sent.user_id, sent.username.as_str()), (1, 5, "user5"));
    assert_eq!((sent.message.as_str(), sent.deleted), ("<b>hello</b>", false));

    let stored = &world.stored(LIVE).await[0];
    assert_eq!(stored.get_str("_id").unwrap(), sent.id);
    assert_eq!(
        (
            stored.get_str("streamId").unwrap(),
            stored.get_str("userId").unwrap()
        ),
        ("7", "5")
    );
    assert_eq!(
        (
            stored.get_str("username").unwrap(),
            stored.get_str("message").unwrap()
        ),
        ("user5", "<b>hello</b>")
    );
    assert!(matches!(stored.get("timestamp"), Some(Bson::DateTime(_))));
    assert_eq!(
        (
            stored.get_i64("seq").unwrap(),
            stored.get_str("clientMessageId").unwrap()
        ),
        (1, "c-1")
    );

    assert_eq!(client.list(10, None).await.messages, std::slice::from_ref(&sent));
    let posted = stack::eventually(TIMEOUT, "the announcement", async || {
        world.posted().first().cloned()
    });
    assert_eq!(posted.await.unwrap(), sent);
}

/// With many senders on two replicas, sequence numbers have no holes, each sender's messages keep their
/// order, no message is announced twice, every message is announced or can be read, and both replicas make
/// progress.
#[tokio::test]
async fn replicas_number_without_holes() {
    let world = World::new().await;
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let all: Vec<i64> = (1..=SENDERS * MESSAGES_EACH).collect();
    assert_eq!(send_from_all(&world, &replicas).await, all);
    let stored: Vec<i64> = world
        .stored(LIVE)
        .await
        .iter()
        .map(|m| m.get_i64("seq").unwrap())
        .collect();
    assert_eq!(stored, all);
    let mut times = count_announcements(&world, &replicas[0]).await;
    assert!(times.values().all(|n| *n == 1), "announced twice");
    let reader = world.client(&replicas[1], 5, Role::User);
    let head = read_missed(&reader, &mut times).await;
    assert_eq!(
        times.into_keys().collect::<Vec<_>>(),
        (1..=head).collect::<Vec<_>>()
    );
}

const SENDERS: i64 = 24;
const MESSAGES_EACH: i64 = 15;

/// Sends from all senders at once, and returns the acknowledged numbers in order.
async fn send_from_all(world: &World, replicas: &[Replica; 2]) -> Vec<i64> {
    let senders = (0..SENDERS).map(|sender| {
        let client = world.client(
            &replicas[usize::try_from(sender).unwrap() % 2],
            100 + sender,
            Role::User,
        );
        tokio::spawn(async move {
            let mut replies = Vec::new();
            for i in 0..MESSAGES_EACH {
                let (started, id) = (Instant::now(), format!("c-{i}"));
                let sent = client.send_with_retries(LIVE, &i.to_string(), &id).await;
                replies.push((sent.seq, started.elapsed()));
            }
            replies
        })
    });
    let mut acknowledged: Vec<i64> = Vec::new();
    let mut slowest = [Duration::ZERO; 2];
    for (sender, replies) in futures::future::join_all(senders).await.into_iter().enumerate() {
        let replies = replies.unwrap();
        assert!(
            replies.iter().map(|(number, _)| number).is_sorted(),
            "out of order: {replies:?}"
        );
        let own = replies.iter().map(|(_, took)| *took).max().unwrap();
        slowest[sender % 2] = slowest[sender % 2].max(own);
        acknowledged.extend(replies.iter().map(|(number, _)| number));
    }
    println!("slowest reply of each replica: {slowest:?}");
    acknowledged.sort_unstable();
    acknowledged
}

/// Returns how often each number was announced.
async fn count_announcements(world: &World, replica: &Replica) -> BTreeMap<i64, usize> {
    // Announcements arrive in order, so the one of a last message marks their end.
    let last = async || world.posted().iter().any(|posted| posted.user_id == 5);
    world.client(replica, 5, Role::User).send("last").await.unwrap();
    stack::eventually(TIMEOUT, "the last announcement", last)
        .await
        .unwrap();
    let mut times = BTreeMap::<i64, usize>::new();
    for posted in world.posted() {
        *times.entry(posted.seq).or_default() += 1;
    }
    times
}

/// Finds messages as a gateway does: the latest number shows a gap, and the messages in between are read. A
/// message whose sender stopped waiting may be stored without an announcement. Returns the latest number.
async fn read_missed(reader: &Client, times: &mut BTreeMap<i64, usize>) -> i64 {
    let request = HeadsRequest {
        stream_ids: vec![LIVE],
    };
    let head = reader
        .rpc
        .clone()
        .heads(request)
        .await
        .unwrap()
        .into_inner()
        .heads[0]
        .seq;
    assert_eq!(head, SENDERS * MESSAGES_EACH + 1);
    let missed: Vec<i64> = (1..=head).filter(|seq| !times.contains_key(seq)).collect();
    println!("{} of {head} were not announced", missed.len());
    for seq in missed {
        let read = reader.list(1, Some(From::AfterSeq(seq - 1))).await.messages;
        assert_eq!(read.iter().map(|m| m.seq).collect::<Vec<_>>(), [seq]);
        *times.entry(seq).or_default() += 1;
    }
    head
}

#[tokio::test]
async fn client_id_identifies_the_message() {
    let world = World::new().await;
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let clients = [
        world.client(&replicas[0], 5, Role::User),
        world.client(&replicas[1], 5, Role::User),
    ];
    let first = clients[0].send_in(LIVE, "once", Some("c-1")).await.unwrap();
    assert_eq!(
        clients[0].send_in(LIVE, "once", Some("c-1")).await.unwrap(),
        first
    );
    assert_eq!(
        clients[1].send_in(LIVE, "once", Some("c-1")).await.unwrap(),
        first
    );

    // Concurrently, on both replicas.
    let sends = (0..40).map(|i| {
        let client = clients[i % 2].clone();
        let id = format!("burst-{}", i / 8);
        tokio::spawn(async move { (id.clone(), client.send_in(LIVE, "many", Some(&id)).await.unwrap()) })
    });
    let mut by_id = BTreeMap::<String, Vec<_>>::new();
    for sent in futures::future::join_all(sends).await {
        let (id, message) = sent.unwrap();
        by_id.entry(id).or_default().push(message);
    }
    assert!(
        by_id.len() == 5
            && by_id
                .values()
                .all(|same| same.iter().all(|message| *message == same[0]))
    );
    let stored: Vec<i64> = world
        .stored(LIVE)
        .await
        .iter()
        .map(|m| m.get_i64("seq").unwrap())
        .collect();
    assert_eq!(stored, [1, 2, 3, 4, 5, 6]);

    // Other users and other rooms have their own client ids.
    world.peers.stream.set_room(8, 1, true, 1);
    let other = world
        .client(&replicas[0], 6, Role::User)
        .send_in(LIVE, "once", Some("c-1"))
        .await
        .unwrap();
    let elsewhere = clients[0].send_in(8, "once", Some("c-1")).await.unwrap();
    assert!(other.id != first.id && elsewhere.id != first.id && elsewhere.seq == 1);
}

#[tokio::test]
async fn invalid_messages_are_rejected() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    let family = "👩‍👩‍👧";
    for bad in [
        "",
        "  \n\t ",
        "\u{200B}\u{200D}\u{FEFF}",
        &"x".repeat(501),
        &"é".repeat(1025),
        "a\u{0}b",
        "\u{1b}[31m",
    ] {
        let error = client.send(bad).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{bad:?}");
        assert_eq!(error_from_status(&error).fields[0].path, "message");
    }
    for bad in ["", &"c".repeat(65), "a\nb"] {
        assert_eq!(
            client.send_in(LIVE, "hello", Some(bad)).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    for stream in [0, -1] {
        assert_eq!(
            client.send_in(stream, "hello", None).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    assert!(world.stored(LIVE).await.is_empty());
    // A grapheme cluster counts as one character.
    assert!(client.send(&family.repeat(100)).await.is_ok());
    assert!(client.send(&"x".repeat(500)).await.is_ok());
}

#[tokio::test]
async fn senders_are_rate_limited() {
    let world = World::new().await;
    let replicas = [world.replica(|_| {}).await, world.replica(|_| {}).await];
    let clients = [
        world.client(&replicas[0], 5, Role::User),
        world.client(&replicas[1], 5, Role::User),
    ];
    let sends = (0..30).map(|i| {
        let client = clients[i % 2].clone();
        async move { client.send("fast").await }
    });
    let outcomes = futures::future::join_all(sends).await;
    let rejected: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .collect();
    // The burst is five, and a slow machine may take a few seconds.
    assert!((15..=25).contains(&rejected.len()), "{}", rejected.len());
    let error = error_from_status(rejected[0]);
    assert_eq!(
        (rejected[0].code(), error.code.as_ref()),
        (Code::ResourceExhausted, "chat.rate_limited")
    );
    assert!(error.retry_after.is_some());
    assert_eq!(world.stored(LIVE).await.len(), 30 - rejected.len());
    // Other users are not affected.
    assert!(
        world
            .client(&replicas[0], 6, Role::User)
            .send("slow")
            .await
            .is_ok()
    );
}
