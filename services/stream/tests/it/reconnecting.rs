//! Encoders that disconnect and reconnect.

use crate::world::{World, ended, started};

#[tokio::test(flavor = "multi_thread")]
async fn reconnect_within_the_grace_resumes_the_broadcast() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, key) = world.create().await;
    let mut first = world.go_live(id, &key).await;
    let broadcast = world.stream(id).await.broadcast_id;
    first.kill().await.unwrap();
    stack::eventually(crate::world::TIMEOUT, "the drop", async || {
        publishes(&world, "live").await == 0
    })
    .await
    .unwrap();
    assert_eq!(
        world.stream(id).await.status(),
        proto::stream::v1::StreamStatus::Live,
        "within the reconnect grace"
    );

    let _second = world.publish(&key).await;
    stack::eventually(crate::world::TIMEOUT, "the reconnect", async || {
        publishes(&world, "live").await == 1
    })
    .await
    .unwrap();
    assert_eq!(world.stream(id).await.broadcast_id, broadcast);
    assert_eq!(
        world.events.all_with_times(started).len(),
        1,
        "a resumed broadcast is not announced again"
    );
    assert!(world.events.all_with_times(ended).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn reconnect_after_the_grace_starts_a_new_broadcast() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 0).await;
    let (id, key) = world.create().await;
    let mut first = world.go_live(id, &key).await;
    first.kill().await.unwrap();
    world.until_live(id, false).await;
    let _second = world.go_live(id, &key).await;
    stack::eventually(crate::world::TIMEOUT, "both", async || {
        world.events.all_with_times(started).len() == 2
    })
    .await
    .unwrap();
    let ids: Vec<_> = world
        .events
        .all(started)
        .into_iter()
        .map(|started| started.broadcast_id)
        .collect();
    assert!(ids.first() != ids.last(), "{ids:?}");
    assert_eq!(world.broadcasts(id).await.broadcasts.len(), 2);
}

async fn publishes(world: &World, state: &str) -> i64 {
    let sql = world.sql().await;
    sql.query_one("SELECT count(*) FROM publishes WHERE state = $1", &[&state])
        .await
        .unwrap()
        .get(0)
}
