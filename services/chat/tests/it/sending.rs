//! From a sender to the store and to the room.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mongodb::bson::Bson;
use primitives::Role;
use proto::chat::v1::HeadsRequest;
use proto::chat::v1::list_messages_request::From;
use proto::error_from_status;
use tonic::Code;

use crate::world::{LIVE, SOON, World};

#[tokio::test]
async fn a_message_is_stored_announced_and_listed() {
    let world = World::new().await;
    let replica = world.replica(|_| {}).await;
    let client = world.client(&replica, 5, Role::User);
    let sent = client.say_in(LIVE, "  <b>hello</b> ", Some("c-1")).await.unwrap();
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
    let posted = stack::eventually(SOON, "the announcement", async || world.posted().first().cloned());
    assert_eq!(posted.await.unwrap(), sent);
}

/// Many senders over two replicas: numbers are unique and without holes, each sender's messages in their
/// order, none is announced twice, all are announced or read, and neither replica keeps the other from its
/// turn.
#[tokio::test]
async fn numbers_have_no_holes_over_replicas() {
    const SENDERS: i64 = 24;
    const EACH: i64 = 15;
    let world = World::new().await;
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let senders = (0..SENDERS).map(|sender| {
        let client = world.client(
            &replicas[usize::try_from(sender).unwrap() % 2],
            100 + sender,
            Role::User,
        );
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for i in 0..EACH {
                let (began, id) = (Instant::now(), format!("c-{i}"));
                let sent = client.say_until_heard(LIVE, &i.to_string(), &id).await;
                answers.push((sent.seq, began.elapsed()));
            }
            answers
        })
    });
    let mut answered: Vec<i64> = Vec::new();
    let mut slowest = [Duration::ZERO; 2];
    for (sender, answers) in futures::future::join_all(senders).await.into_iter().enumerate() {
        let answers = answers.unwrap();
        assert!(
            answers.iter().map(|(number, _)| number).is_sorted(),
            "a sender's own order: {answers:?}"
        );
        let own = answers.iter().map(|(_, took)| *took).max().unwrap();
        slowest[sender % 2] = slowest[sender % 2].max(own);
        answered.extend(answers.iter().map(|(number, _)| number));
    }
    println!("slowest answer of each replica: {slowest:?}");
    answered.sort_unstable();
    let all: Vec<i64> = (1..=SENDERS * EACH).collect();
    assert_eq!(answered, all);
    let stored: Vec<i64> = world
        .stored(LIVE)
        .await
        .iter()
        .map(|m| m.get_i64("seq").unwrap())
        .collect();
    assert_eq!(stored, all);
    // Whoever answers in time announces; the last message of a room that is quiet is heard soon.
    let last = async || world.posted().iter().any(|posted| posted.user_id == 5);
    world
        .client(&replicas[0], 5, Role::User)
        .say("last")
        .await
        .unwrap();
    stack::eventually(SOON, "the last announcement", last)
        .await
        .unwrap();
    let mut times = BTreeMap::<i64, usize>::new();
    for posted in world.posted() {
        *times.entry(posted.seq).or_default() += 1;
    }
    assert!(times.values().all(|n| *n == 1), "announced twice");
    // A message that was stored but not announced, since nobody waited for its answer any more, is found as a
    // gateway finds it: the head says that there is more, and what lies between is read.
    let reader = world.client(&replicas[1], 5, Role::User);
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
    assert_eq!(head, SENDERS * EACH + 1);
    let missed: Vec<i64> = (1..=head).filter(|seq| !times.contains_key(seq)).collect();
    println!("{} of {head} were not announced", missed.len());
    for seq in missed {
        let read = reader.list(1, Some(From::AfterSeq(seq - 1))).await.messages;
        assert_eq!(read.iter().map(|m| m.seq).collect::<Vec<_>>(), [seq]);
        *times.entry(seq).or_default() += 1;
    }
    assert_eq!(
        times.into_keys().collect::<Vec<_>>(),
        (1..=head).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn the_same_client_id_is_the_same_message() {
    let world = World::new().await;
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let clients = [
        world.client(&replicas[0], 5, Role::User),
        world.client(&replicas[1], 5, Role::User),
    ];
    let first = clients[0].say_in(LIVE, "once", Some("c-1")).await.unwrap();
    assert_eq!(clients[0].say_in(LIVE, "once", Some("c-1")).await.unwrap(), first);
    assert_eq!(clients[1].say_in(LIVE, "once", Some("c-1")).await.unwrap(), first);

    // Many at once, on both replicas, among other messages.
    let sends = (0..40).map(|i| {
        let client = clients[i % 2].clone();
        let id = format!("burst-{}", i / 8);
        tokio::spawn(async move { (id.clone(), client.say_in(LIVE, "many", Some(&id)).await.unwrap()) })
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

    // Of another user, or in another room, it is another message.
    world.peers.room(8, 1, true, 1);
    let other = world
        .client(&replicas[0], 6, Role::User)
        .say_in(LIVE, "once", Some("c-1"))
        .await
        .unwrap();
    let elsewhere = clients[0].say_in(8, "once", Some("c-1")).await.unwrap();
    assert!(other.id != first.id && elsewhere.id != first.id && elsewhere.seq == 1);
}

#[tokio::test]
async fn bad_text_is_refused_and_stores_nothing() {
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
        let refused = client.say(bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{bad:?}");
        assert_eq!(error_from_status(&refused).fields[0].path, "message");
    }
    for bad in ["", &"c".repeat(65), "a\nb"] {
        assert_eq!(
            client.say_in(LIVE, "hello", Some(bad)).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    for stream in [0, -1] {
        assert_eq!(
            client.say_in(stream, "hello", None).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    assert!(world.stored(LIVE).await.is_empty());
    // What a person takes for one character counts as one.
    assert!(client.say(&family.repeat(100)).await.is_ok());
    assert!(client.say(&"x".repeat(500)).await.is_ok());
}

#[tokio::test]
async fn who_speaks_too_fast_waits() {
    let world = World::new().await;
    let replicas = [world.replica(|_| {}).await, world.replica(|_| {}).await];
    let clients = [
        world.client(&replicas[0], 5, Role::User),
        world.client(&replicas[1], 5, Role::User),
    ];
    let sends = (0..30).map(|i| {
        let client = clients[i % 2].clone();
        async move { client.say("fast").await }
    });
    let outcomes = futures::future::join_all(sends).await;
    let refused: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .collect();
    // Five at once; the machine may be slow enough for a few seconds to pass meanwhile.
    assert!((15..=25).contains(&refused.len()), "{}", refused.len());
    let error = error_from_status(refused[0]);
    assert_eq!(
        (refused[0].code(), error.code.as_ref()),
        (Code::ResourceExhausted, "chat.rate_limited")
    );
    assert!(error.retry_after.is_some());
    assert_eq!(world.stored(LIVE).await.len(), 30 - refused.len());
    // Others speak.
    assert!(
        world
            .client(&replicas[0], 6, Role::User)
            .say("slow")
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn lists_go_up_down_and_by_page() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    for i in 1..=25 {
        client.say(&i.to_string()).await.unwrap();
    }
    let numbers = async |limit, from| {
        let answer = client.list(limit, from).await;
        assert_eq!((answer.head, answer.total_messages), (25, 25));
        (
            answer.messages.iter().map(|m| m.seq).collect::<Vec<_>>(),
            answer.truncated,
        )
    };
    assert_eq!(numbers(10, None).await, ((16..=25).collect(), true));
    assert_eq!(numbers(10, Some(From::Page(2))).await, ((6..=15).collect(), true));
    assert_eq!(numbers(10, Some(From::Page(3))).await, ((1..=5).collect(), false));
    assert_eq!(numbers(10, Some(From::Page(4))).await, (vec![], false));
    assert_eq!(numbers(500, Some(From::Page(1000))).await, (vec![], false));
    assert_eq!(numbers(3, Some(From::BeforeSeq(6))).await, (vec![3, 4, 5], true));
    assert_eq!(
        numbers(5, Some(From::BeforeSeq(6))).await,
        (vec![1, 2, 3, 4, 5], false)
    );
    assert_eq!(numbers(3, Some(From::AfterSeq(0))).await, (vec![1, 2, 3], true));
    assert_eq!(
        numbers(3, Some(From::AfterSeq(22))).await,
        (vec![23, 24, 25], false)
    );
    assert_eq!(numbers(3, Some(From::AfterSeq(i64::MAX))).await, (vec![], false));
    for (limit, from) in [
        (0, None),
        (501, None),
        (10, Some(From::Page(0))),
        (10, Some(From::Page(1001))),
        (10, Some(From::AfterSeq(-1))),
    ] {
        let request = proto::chat::v1::ListMessagesRequest {
            stream_id: LIVE,
            limit,
            from,
        };
        let refused = client.rpc.clone().list_messages(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{limit} {from:?}");
    }
}

#[tokio::test]
async fn heads_are_those_of_all_replicas() {
    let world = World::new().await;
    world.peers.room(8, 1, true, 1);
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let (one, two) = (
        world.client(&replicas[0], 5, Role::User),
        world.client(&replicas[1], 6, Role::User),
    );
    one.say("a").await.unwrap();
    two.say("b").await.unwrap();
    two.say_in(8, "c", None).await.unwrap();
    let heads = async |ids: Vec<i64>| {
        let answer = one
            .rpc
            .clone()
            .heads(HeadsRequest { stream_ids: ids })
            .await?
            .into_inner();
        Ok::<_, tonic::Status>(
            answer
                .heads
                .iter()
                .map(|head| (head.stream_id, head.seq))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        heads(vec![LIVE, 8, 9]).await.unwrap(),
        [(LIVE, 2), (8, 1), (9, 0)]
    );
    two.say("d").await.unwrap();
    let wait = stack::eventually(SOON, "the new head", async || {
        heads(vec![LIVE]).await.unwrap() == [(LIVE, 3)]
    });
    wait.await.unwrap();
    assert_eq!(heads(vec![0]).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(
        heads((1..=1001).collect()).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(heads((1..=1000).collect()).await.unwrap().len(), 1000);
}
