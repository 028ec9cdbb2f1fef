//! A room's rules, and who is bound by them.

use std::time::{Duration, Instant};

use identity::ServiceName;
use primitives::Role;
use proto::error_from_status;
use proto::events::v1::realtime::Message as Realtime;
use tonic::{Code, Status};

use crate::world::{Client, LIVE, OWNER, SOON, World};

/// Nobody answers there.
const NOBODY: &str = "redis://127.0.0.1:1";

fn code<T>(outcome: Result<T, Status>) -> Option<String> {
    outcome
        .err()
        .map(|status| error_from_status(&status).code.into_owned())
}

#[tokio::test]
async fn settings_are_read_by_all_and_told_to_the_room() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let owner = world.client(&replica, OWNER, Role::User);
    let viewer = world.client(&replica, 5, Role::User);
    let guest = world.client_with(&replica, ServiceName::Gateway, None);
    let empty = owner.settings().await.unwrap();
    assert_eq!((empty.slow_mode_seconds, empty.followers_only), (0, false));
    assert!(empty.blocked_words.unwrap().words.is_empty());
    let changed = owner
        .change(Some(30), Some(true), Some(&["Bad", "bàd", "worse thing"]))
        .await
        .unwrap();
    assert_eq!(changed.blocked_words.unwrap().words, ["Bad", "worse thing"]);
    let changed = owner.change(Some(60), None, None).await.unwrap();
    assert_eq!(
        (
            changed.slow_mode_seconds,
            changed.followers_only,
            changed.blocked_words.unwrap().words.len()
        ),
        (60, true, 2)
    );
    for client in [&viewer, &guest] {
        let seen = client.settings().await.unwrap();
        assert_eq!((seen.slow_mode_seconds, seen.followers_only), (60, true));
        assert_eq!(seen.blocked_words, None);
    }
    let told = |m: &Realtime| match m {
        Realtime::ChatSettingsUpdated(s) => Some((s.stream_id, s.slow_mode_seconds, s.followers_only)),
        _ => None,
    };
    assert_eq!(world.hears("the new rules", told).await, (LIVE, 30, true));
    let (many, long) = (vec!["x"; 201], "x".repeat(51));
    for (seconds, words) in [
        (Some(3601), None),
        (None, Some(&many[..])),
        (None, Some(&[long.as_str()])),
        (None, Some(&[""])),
    ] {
        let refused = owner.change(seconds, None, words).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    assert_eq!(owner.settings().await.unwrap().slow_mode_seconds, 60);
}

/// The second of two messages is refused; others, and those who moderate, are not held up.
async fn slow_mode_holds(owner: &Client, viewer: &Client, other: &Client) {
    owner.slow_mode(600).await;
    viewer.say_in(LIVE, "one", Some("c-1")).await.unwrap();
    let refused = error_from_status(&viewer.say("two").await.unwrap_err());
    assert_eq!(refused.code, "chat.slow_mode");
    assert!(
        refused
            .retry_after
            .is_some_and(|wait| wait <= Duration::from_secs(600))
    );
    // Whoever did not hear that it was stored says it again.
    assert_eq!(viewer.say_in(LIVE, "one", Some("c-1")).await.unwrap().seq, 1);
    assert_eq!(
        code(viewer.say_in(LIVE, "two", Some("c-2")).await).unwrap(),
        "chat.slow_mode"
    );
    other.say("three").await.unwrap();
    for _ in 0..3 {
        owner.say("free").await.unwrap();
    }
    // A shorter pause holds at once.
    owner.slow_mode(1).await;
    stack::eventually(SOON, "the next turn", async || viewer.say("four").await)
        .await
        .unwrap();
    owner.slow_mode(0).await;
    for _ in 0..3 {
        viewer.say("free").await.unwrap();
    }
}

#[tokio::test]
async fn slow_mode_holds_over_replicas() {
    let world = World::new().await;
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let (owner, viewer) = (
        world.client(&replicas[0], OWNER, Role::User),
        world.client(&replicas[0], 5, Role::User),
    );
    slow_mode_holds(&owner, &viewer, &world.client(&replicas[0], 6, Role::User)).await;
    // The turn is counted for all replicas together.
    owner.slow_mode(600).await;
    let viewer = world.client(&replicas[0], 15, Role::User);
    viewer.say("here").await.unwrap();
    let elsewhere = world.client(&replicas[1], 15, Role::User);
    stack::eventually(SOON, "the rules on the other replica", async || {
        code(elsewhere.say("there").await).as_deref() == Some("chat.slow_mode")
    })
    .await
    .unwrap();
    // In another room it is another turn.
    world.peers.room(30, OWNER, true, 1);
    viewer.say_in(30, "elsewhere", None).await.unwrap();
}

/// Each replica counts for itself: nobody is silenced, and a room stays slow.
#[tokio::test]
async fn slow_mode_holds_without_redis() {
    let world = World::new().await;
    let replica = world
        .replica(|config| {
            config.redis.redis_url = NOBODY.into();
            (config.chat_rate_burst, config.chat_rate_seconds) = (1000, 1);
        })
        .await;
    let client = |user| world.client(&replica, user, Role::User);
    slow_mode_holds(&client(OWNER), &client(5), &client(6)).await;
}

#[tokio::test]
async fn a_room_may_be_for_followers() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = |user, role| world.client(&replica, user, role);
    let (owner, viewer) = (client(OWNER, Role::User), client(5, Role::User));
    owner.add_moderator(6).await.unwrap();
    owner.change(None, Some(true), None).await.unwrap();
    assert_eq!(code(viewer.say("x").await).unwrap(), "chat.followers_only");
    world.peers.follow(7, OWNER);
    let follower = client(7, Role::User);
    follower.say("x").await.unwrap();
    for free in [
        owner,
        client(6, Role::User),
        client(8, Role::Moderator),
        client(9, Role::Admin),
    ] {
        free.say("x").await.unwrap();
    }
    // Once for each, whoever speaks how often; who follows now is heard soon.
    let before = world.peers.follow_questions();
    for _ in 0..10 {
        follower.say("x").await.unwrap();
    }
    assert_eq!((before, world.peers.follow_questions()), (2, 2));
    world.peers.follow(5, OWNER);
    let began = Instant::now();
    stack::eventually(SOON, "the follow", async || viewer.say("now").await)
        .await
        .unwrap();
    println!("a new follower was heard after {:?}", began.elapsed());
    // While nobody knows, who is known speaks and the others wait.
    world.peers.away(true);
    follower.say("x").await.unwrap();
    let refused = client(20, Role::User).say("x").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}

#[tokio::test]
async fn blocked_words_are_blocked_for_everyone() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = |user, role| world.client(&replica, user, role);
    let owner = client(OWNER, Role::User);
    owner
        .change(None, None, Some(&["Crème", "two words"]))
        .await
        .unwrap();
    for speaker in [&owner, &client(5, Role::User), &client(9, Role::Admin)] {
        for text in ["CREME!", "a cre\u{301}me b", "ｃｒｅｍｅ", "two, WORDS"] {
            let refused = speaker.say(text).await.unwrap_err();
            let error = error_from_status(&refused);
            assert_eq!(error.code, "chat.word_blocked", "{text}");
            assert!(!error.detail.to_lowercase().contains("creme") && error.fields.is_empty());
        }
        for text in ["cremes", "two other words"] {
            speaker.say(text).await.unwrap();
        }
    }
    let stored = world.stored(LIVE).await;
    assert_eq!(stored.len(), 6, "what was refused took no number");
}
