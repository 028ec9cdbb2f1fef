//! Fan-outs, from an event to each follower.

use std::time::Instant;

use proto::events::v1::event::Payload;
use proto::events::v1::{UserDeleted, UserFollowed, VodPublished};
use proto::notification::v1::Subject;

use crate::world::{TIMEOUT, World, live};

const ALL: &str = "SELECT count(*) FROM notifications";
const RUNNING: &str = "SELECT count(*) FROM fanouts WHERE state = 'running'";
const DONE: &str = "SELECT count(*) FROM fanouts WHERE state = 'done'";

#[tokio::test]
async fn every_follower_is_notified_once() {
    let world = World::new().await;
    world.auth.add_followers(1, 1001..3501);
    let _replica = world.replica(|_| {}).await;
    world.emit(live(9), 7, 1).await;
    world.counted(DONE, 1).await;
    assert_eq!(world.count(ALL).await, 2500);
    let complete = "SELECT count(*) FROM notifications WHERE type = 'stream_started' \
        AND message = 'Lan is live: Chess' AND NOT is_read AND related_entity_id = 7 \
        AND related_entity_type = 'stream' AND dedupe_key = 'stream_started:9' \
        AND actor_id = 1 AND subject_title = 'Chess' AND user_id BETWEEN 1001 AND 3500";
    assert_eq!(world.count(complete).await, 2500);
    stack::eventually(TIMEOUT, "the pushes", async || world.pushes().len() == 2500)
        .await
        .unwrap();
    assert!(world.pushes().values().all(|times| *times == 1));
    let pushed = world.pushed_pages();
    let subject = Some(Subject {
        id: 7,
        title: "Chess".to_owned(),
    });
    assert!(
        pushed
            .iter()
            .all(|page| page.actor_id == 1 && page.subject == subject)
    );
    let sizes: Vec<_> = pushed.iter().map(|page| page.users.len()).collect();
    assert_eq!(sizes, [1000, 1000, 500]);
}

#[tokio::test]
async fn duplicate_event_notifies_once() {
    let world = World::new().await;
    world.auth.add_followers(1, 101..=120);
    let _replica = world.replica(|_| {}).await;
    let id = world.emit(live(9), 7, 1).await;
    world.counted(DONE, 1).await;
    // The same event again, and another event of the same broadcast.
    world.emit_again(id, "stream.started", live(9)).await;
    world.emit(live(9), 7, 2).await;
    world.counted("SELECT count(*) FROM inbox", 2).await;
    assert_eq!(
        (
            world.count(ALL).await,
            world.count("SELECT count(*) FROM fanouts").await
        ),
        (20, 1)
    );

    world.emit(live(10), 7, 3).await;
    world.counted(DONE, 2).await;
    assert_eq!(world.count(ALL).await, 40);
    stack::eventually(TIMEOUT, "the pushes", async || {
        world.pushes().values().sum::<usize>() == 40
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn fanout_survives_an_emptied_redis() {
    let world = World::new().await;
    world.auth.add_followers(1, 101..=150);
    world.auth.fail_after_follower(115);
    let _replica = world.replica(|config| config.jobs.fanout_page_size = 5).await;
    world.emit(live(9), 7, 1).await;
    world.counted(ALL, 15).await;
    assert!(world.empty_redis().await > 0);
    world.auth.fail_after_follower(i64::MAX);
    world.counted(DONE, 1).await;
    assert_eq!(world.count(ALL).await, 50);
    stack::eventually(TIMEOUT, "the pushes", async || world.pushes().len() == 50)
        .await
        .unwrap();
    assert!(world.pushes().values().all(|times| *times == 1));
}

#[tokio::test]
async fn fanout_without_a_job_is_delivered() {
    let world = World::new().await;
    world.auth.add_followers(1, 101..=103);
    let statement = "WITH f AS (INSERT INTO fanouts (event_id, type, user_id, related_entity_id, dedupe_key, \
        message, due_at, occurred_at) VALUES (gen_random_uuid(), 'stream_started', 1, 7, 'stream_started:9', \
        'm', now(), now()) RETURNING id) SELECT count(*) FROM f";
    world.count(statement).await;
    let _replica = world.replica(|_| {}).await;
    world.counted(DONE, 1).await;
    assert_eq!(world.count(ALL).await, 3);
}

#[tokio::test]
async fn replicas_share_the_work() {
    let world = World::new().await;
    world.auth.add_followers(1, 1001..1301);
    let small = |config: &mut notification::Config| config.jobs.fanout_page_size = 10;
    let (_one, _two) = (world.replica(small).await, world.replica(small).await);
    for broadcast in 1..=5 {
        world.emit(live(broadcast), 7, broadcast).await;
    }
    world.counted(DONE, 5).await;
    assert_eq!(world.count(ALL).await, 1500);
    stack::eventually(TIMEOUT, "the pushes", async || {
        world.pushes().values().sum::<usize>() == 1500
    })
    .await
    .unwrap();
    assert!(world.pushes().values().all(|times| *times == 5));
}

#[tokio::test]
async fn fanout_survives_an_auth_outage() {
    let world = World::new().await;
    world.auth.add_followers(1, 101..=103);
    world.auth.fail_after_follower(0);
    let _replica = world.replica(|_| {}).await;
    world.emit(live(9), 7, 1).await;
    world
        .counted(
            "SELECT count(*) FROM fanouts WHERE attempts > 0 AND last_error IS NOT NULL",
            1,
        )
        .await;
    assert_eq!(world.count(ALL).await, 0);
    world.auth.fail_after_follower(i64::MAX);
    world.counted(DONE, 1).await;
    assert_eq!(world.count(ALL).await, 3);
    assert_eq!(
        world
            .count("SELECT count(*) FROM fanouts WHERE attempts > 0")
            .await,
        0
    );
}

#[tokio::test]
async fn old_fanout_is_abandoned() {
    let world = World::new().await;
    let old = "WITH f AS (INSERT INTO fanouts (event_id, type, user_id, related_entity_id, dedupe_key, \
        message, \
        due_at, occurred_at, created_at) VALUES (gen_random_uuid(), 'stream_started', 1, 7, \
        'stream_started:9', \
        'm', now(), now(), now() - interval '25 hours') RETURNING id) SELECT count(*) FROM f";
    world.count(old).await;
    world.auth.add_followers(1, [101]);
    let _replica = world.replica(|_| {}).await;
    world
        .counted("SELECT count(*) FROM fanouts WHERE state = 'abandoned'", 1)
        .await;
    assert_eq!((world.count(ALL).await, world.count(RUNNING).await), (0, 0));
}

fn follow(follower: i64, following: i64) -> Payload {
    Payload::UserFollowed(UserFollowed {
        follower_id: follower,
        following_id: following,
        follower_username: "mai".to_owned(),
        follower_display_name: String::new(),
    })
}

#[tokio::test]
async fn follower_notifies_once_a_day() {
    let world = World::new().await;
    let _replica = world.replica(|_| {}).await;
    for version in 1..=5 {
        world.emit(follow(2, 1), 2, version).await;
    }
    world.emit(follow(3, 1), 3, 1).await;
    world.emit(follow(2, 4), 2, 6).await;
    world.counted("SELECT count(*) FROM inbox", 7).await;
    world.counted(DONE, 3).await;
    let own = "SELECT count(*) FROM notifications WHERE user_id = 1 AND type = 'new_follower' \
        AND related_entity_type = 'user' AND related_entity_id = actor_id AND subject_title IS NULL \
        AND message = 'mai is now following you.'";
    assert_eq!((world.count(own).await, world.count(ALL).await), (2, 3));
    assert_eq!(world.auth.follower_pages(), 0, "auth has nothing to add");
    let pushed = stack::eventually(TIMEOUT, "the pushes", async || {
        let pages = world.pushed_pages();
        (pages.len() == 3).then_some(pages)
    });
    let pushed = pushed.await.unwrap();
    assert!(
        pushed
            .iter()
            .all(|page| page.subject.is_none() && [2, 3].contains(&page.actor_id))
    );
}

#[tokio::test]
async fn vod_notifies_followers() {
    let world = World::new().await;
    world.auth.add_followers(1, [101, 102]);
    let _replica = world.replica(|_| {}).await;
    let vod = VodPublished {
        vod_id: 5,
        user_id: 1,
        stream_id: None,
        title: "Chess".to_owned(),
        username: "lan".to_owned(),
        display_name: "Lan".to_owned(),
    };
    world.emit(Payload::VodPublished(vod), 5, 1).await;
    world
        .counted(
            "SELECT count(*) FROM notifications WHERE type = 'new_vod' AND dedupe_key = 'new_vod:5' \
             AND actor_id = 1 AND related_entity_id = 5 AND subject_title = 'Chess'",
            2,
        )
        .await;
}

#[tokio::test]
async fn deleted_account_is_purged() {
    let world = World::new().await;
    world.auth.add_followers(1, [2, 3]);
    let _replica = world.replica(|_| {}).await;
    world.emit(live(9), 7, 1).await;
    world.emit(follow(2, 3), 2, 1).await;
    world.emit(follow(3, 2), 3, 1).await;
    world.counted(ALL, 4).await;
    world
        .emit(Payload::UserDeleted(UserDeleted { user_id: 2 }), 2, 9)
        .await;
    world
        .counted("SELECT count(*) FROM purges WHERE finished_at IS NOT NULL", 1)
        .await;
    assert_eq!(
        world
            .count("SELECT count(*) FROM notifications WHERE user_id = 2 OR actor_id = 2")
            .await,
        0
    );
    assert_eq!(
        world.count(ALL).await,
        1,
        "user 3 keeps the notification of the stream"
    );
    // Late events are ignored.
    world.emit(follow(2, 1), 2, 2).await;
    world.counted("SELECT count(*) FROM inbox", 5).await;
    assert_eq!(world.count(ALL).await, 1);
}

/// Prints how long a push takes, also for an event published while no replica ran. It sets no limit, since
/// the machine may be under load.
#[tokio::test]
async fn pushes_resume_after_a_restart() {
    let world = World::new().await;
    world.auth.add_followers(1, 101..=110);
    // The first start also declares the queue; the relay holds back events until then.
    let replica = world.replica(|_| {}).await;
    world
        .emit(Payload::UserDeleted(UserDeleted { user_id: 99 }), 99, 1)
        .await;
    world.counted("SELECT count(*) FROM inbox", 1).await;
    replica.stop().await.unwrap();
    let pushed = async |n: usize| {
        let at = || Some(world.pushed.all_with_times(|_| Some(())).get(n - 1)?.0);
        stack::eventually(TIMEOUT, "the push", async || at())
            .await
            .unwrap()
    };
    for round in 0_i64..4 {
        world.emit(live(round * 10), 7, round * 10).await;
        let before = Instant::now();
        let replica = world.replica(|_| {}).await;
        let count = usize::try_from(round * 4).unwrap() + 1;
        println!("start {round}: start to push {:?}", pushed(count).await - before);
        for again in 1..=3 {
            let before = Instant::now();
            world.emit(live(round * 10 + again), 7, round * 10 + again).await;
            println!(
                "start {round}: event to push {:?}",
                pushed(count + usize::try_from(again).unwrap()).await - before
            );
        }
        replica.stop().await.unwrap();
    }
}
