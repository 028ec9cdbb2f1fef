//! Two replicas at once.

use crate::world::{Replica, World, ended, recorded, started};

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_tell_each_thing_once_and_one_takes_over() {
    let mut world = World::with(|config| config.stream_reconnect_grace_seconds = 1).await;
    let second = Replica::start(&world.config).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;

    // The first dies; nginx' hooks go to nobody now, and the second finds out by itself.
    let first = std::mem::replace(&mut world.replica, second);
    drop(first);
    world.until_live(id, true).await;
    publisher.stop().await.unwrap();
    world.until_live(id, false).await;
    world.ear.first("stream.ended", ended).await;
    assert_eq!((world.ear.all(started).len(), world.ear.all(ended).len()), (1, 1));
    assert!(
        world.ear.all(recorded).is_empty(),
        "its hook was lost; the sweeper finds the file"
    );
}
