//! The settings of a room, and which users they restrict.

use std::time::{Duration, Instant};

use identity::ServiceName;
use primitives::Role;
use proto::error_from_status;
use proto::events::v1::realtime::Message as Realtime;
use tonic::{Code, Status};

use crate::world::{Client, LIVE, OWNER, TIMEOUT, World};

/// Refuses connections.
const CLOSED_URL: &str = "redis://127.0.0.1:1";

fn code<T>(outcome: Result<T, Status>) -> Option<String> {
    outcome
        .err()
        .map(|status| error_from_status(&status).code.into_owned())
}

#[tokio::test]
async fn settings_are_public_and_published() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let owner = world.client(&replica, OWNER, Role::User);
    let viewer = world.client(&replica, 5, Role::User);
    let guest = world.client_with(&replica, ServiceName::Gateway, None);
    let empty = owner.settings().await.unwrap();
    assert_eq!((empty.slow_mode_seconds, empty.followers_only), (0, false));
    assert!(empty.blocked_words.unwrap().words.is_empty());
    let changed = owner
        .update_settings(Some(30), Some(true), Some(&["Bad", "bàd", "worse thing"]))
        .await
        .unwrap();
    assert_eq!(changed.blocked_words.unwrap().words, ["Bad", "worse thing"]);
    let changed = owner.update_settings(Some(60), None, None).await.unwrap();
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
    let updated = |m: &Realtime| match m {
        Realtime::ChatSettingsUpdated(s) => Some((s.stream_id, s.slow_mode_seconds, s.followers_only)),
        _ => None,
    };
    assert_eq!(
        world.received.first("the new settings", updated).await,
        (LIVE, 30, true)
    );
    let (many, long) = (vec!["x"; 201], "x".repeat(51));
    for (seconds, words) in [
        (Some(3601), None),
        (None, Some(&many[..])),
        (None, Some(&[long.as_str()])),
        (None, Some(&[""])),
    ] {
        let rejected = owner.update_settings(seconds, None, words).await.unwrap_err();
        assert_eq!(rejected.code(), Code::InvalidArgument);
    }
    assert_eq!(owner.settings().await.unwrap().slow_mode_seconds, 60);
}

/// A user's second message is rejected; other users and moderators are not affected.
async fn check_slow_mode(owner: &Client, viewer: &Client, other: &Client) {
    owner.slow_mode(600).await;
    viewer.send_in(LIVE, "one", Some("c-1")).await.unwrap();
    let rejected = error_from_status(&viewer.send("two").await.unwrap_err());
    assert_eq!(rejected.code, "chat.slow_mode");
    assert!(
        rejected
            .retry_after
            .is_some_and(|wait| wait <= Duration::from_secs(600))
    );
    // A sender that did not get the acknowledgement retries.
    assert_eq!(viewer.send_in(LIVE, "one", Some("c-1")).await.unwrap().seq, 1);
    assert_eq!(
        code(viewer.send_in(LIVE, "two", Some("c-2")).await).unwrap(),
        "chat.slow_mode"
    );
    other.send("three").await.unwrap();
    for _ in 0..3 {
        owner.send("free").await.unwrap();
    }
    // A shorter pause applies at once.
    owner.slow_mode(1).await;
    stack::eventually(TIMEOUT, "the next turn", async || viewer.send("four").await)
        .await
        .unwrap();
    owner.slow_mode(0).await;
    for _ in 0..3 {
        viewer.send("free").await.unwrap();
    }
}

#[tokio::test]
async fn slow_mode_spans_replicas() {
    let world = World::new().await;
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let (owner, viewer) = (
        world.client(&replicas[0], OWNER, Role::User),
        world.client(&replicas[0], 5, Role::User),
    );
    check_slow_mode(&owner, &viewer, &world.client(&replicas[0], 6, Role::User)).await;
    // The turn is shared by all replicas.
    owner.slow_mode(600).await;
    let viewer = world.client(&replicas[0], 15, Role::User);
    viewer.send("here").await.unwrap();
    let elsewhere = world.client(&replicas[1], 15, Role::User);
    stack::eventually(TIMEOUT, "the settings on the other replica", async || {
        code(elsewhere.send("there").await).as_deref() == Some("chat.slow_mode")
    })
    .await
    .unwrap();
    // Another room has its own turns.
    world.peers.stream.set_room(30, OWNER, true, 1);
    viewer.send_in(30, "elsewhere", None).await.unwrap();
}

/// Each replica counts by itself: no user is blocked, and the room stays slow.
#[tokio::test]
async fn slow_mode_works_without_redis() {
    let world = World::new().await;
    let replica = world
        .replica(|config| {
            config.redis.redis_url = CLOSED_URL.into();
            (config.chat_rate_burst, config.chat_rate_seconds) = (1000, 1);
        })
        .await;
    let client = |user| world.client(&replica, user, Role::User);
    check_slow_mode(&client(OWNER), &client(5), &client(6)).await;
}

#[tokio::test]
async fn followers_only_restricts_viewers() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = |user, role| world.client(&replica, user, role);
    let (owner, viewer) = (client(OWNER, Role::User), client(5, Role::User));
    owner.add_moderator(6).await.unwrap();
    owner.update_settings(None, Some(true), None).await.unwrap();
    assert_eq!(code(viewer.send("x").await).unwrap(), "chat.followers_only");
    world.peers.auth.add_followers(OWNER, [7]);
    let follower = client(7, Role::User);
    follower.send("x").await.unwrap();
    for exempt in [
        owner,
        client(6, Role::User),
        client(8, Role::Moderator),
        client(9, Role::Admin),
    ] {
        exempt.send("x").await.unwrap();
    }
    // Auth is asked once per user. A new follow takes effect soon.
    let before = world.peers.auth.follow_checks();
    for _ in 0..10 {
        follower.send("x").await.unwrap();
    }
    assert_eq!((before, world.peers.auth.follow_checks()), (2, 2));
    world.peers.auth.add_followers(OWNER, [5]);
    let started = Instant::now();
    stack::eventually(TIMEOUT, "the follow", async || viewer.send("now").await)
        .await
        .unwrap();
    println!("a new follower could send after {:?}", started.elapsed());
    // While auth is unavailable, cached followers can send and other users cannot.
    world.peers.set_unavailable(true);
    follower.send("x").await.unwrap();
    let rejected = client(20, Role::User).send("x").await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unavailable);
}

#[tokio::test]
async fn blocked_words_apply_to_everyone() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = |user, role| world.client(&replica, user, role);
    let owner = client(OWNER, Role::User);
    owner
        .update_settings(None, None, Some(&["Crème", "two words"]))
        .await
        .unwrap();
    for sender in [&owner, &client(5, Role::User), &client(9, Role::Admin)] {
        for text in ["CREME!", "a cre\u{301}me b", "ｃｒｅｍｅ", "two, WORDS"] {
            let rejected = sender.send(text).await.unwrap_err();
            let error = error_from_status(&rejected);
            assert_eq!(error.code, "chat.word_blocked", "{text}");
            assert!(!error.detail.to_lowercase().contains("creme") && error.fields.is_empty());
        }
        for text in ["cremes", "two other words"] {
            sender.send(text).await.unwrap();
        }
    }
    let stored = world.stored(LIVE).await;
    assert_eq!(stored.len(), 6, "rejected messages use no sequence numbers");
}
