//! Two replicas.

use crate::world::{World, ended, recorded, start, started};

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_emit_each_event_once_and_one_takes_over() {
    let mut world = World::with(|config| config.stream_reconnect_grace_seconds = 1).await;
    let second = start(&world.config).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;

    // The first replica dies. Hooks now reach no one, so the second has to detect the end by itself.
    let first = std::mem::replace(&mut world.replica, second);
    drop(first);
    world.until_live(id, true).await;
    publisher.stop().await.unwrap();
    world.until_live(id, false).await;
    world.events.first_with_time("stream.ended", ended).await;
    assert_eq!(
        (
            world.events.all_with_times(started).len(),
            world.events.all_with_times(ended).len()
        ),
        (1, 1)
    );
    assert!(
        world.events.all_with_times(recorded).is_empty(),
        "the hook was lost, so the sweeper has to find the file"
    );
}
