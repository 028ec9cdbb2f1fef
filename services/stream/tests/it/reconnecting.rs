//! A publisher drops and comes back.

use crate::world::{World, ended, started};

#[tokio::test(flavor = "multi_thread")]
async fn a_short_drop_is_the_same_broadcast() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, key) = world.create().await;
    let mut first = world.go_live(id, &key).await;
    let broadcast = world.stream(id).await.broadcast_id;
    first.kill().await.unwrap();
    stack::eventually(crate::world::SOON, "the drop", async || {
        publishes(&world, "live").await == 0
    })
    .await
    .unwrap();
    assert_eq!(
        world.stream(id).await.status(),
        proto::stream::v1::StreamStatus::Live,
        "the grace"
    );

    let _second = world.publish(&key).await;
    stack::eventually(crate::world::SOON, "the return", async || {
        publishes(&world, "live").await == 1
    })
    .await
    .unwrap();
    assert_eq!(world.stream(id).await.broadcast_id, broadcast);
    assert_eq!(world.ear.all(started).len(), 1, "nobody is told twice");
    assert!(world.ear.all(ended).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_grace_it_is_another_broadcast() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 0).await;
    let (id, key) = world.create().await;
    let mut first = world.go_live(id, &key).await;
    first.kill().await.unwrap();
    world.until_live(id, false).await;
    let _second = world.go_live(id, &key).await;
    stack::eventually(crate::world::SOON, "both", async || {
        world.ear.all(started).len() == 2
    })
    .await
    .unwrap();
    let ids: Vec<_> = world
        .ear
        .all(started)
        .into_iter()
        .map(|(_, started)| started.broadcast_id)
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
