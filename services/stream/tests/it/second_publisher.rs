//! Two encoders with one key.

use stack::eventually;

use crate::world::{TIMEOUT, World, ended, started};

#[tokio::test(flavor = "multi_thread")]
async fn second_encoder_is_rejected_while_the_first_sends() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    let mut first = world.go_live(id, &key).await;
    let mut second = world.publish(&key).await;
    assert!(!second.wait(TIMEOUT).await.unwrap().success());
    assert!(!first.ended().unwrap());
    assert_eq!(world.rejections(id).await, ["already_live"]);
    assert_eq!(world.events.all_with_times(started).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_encoder_replaces_a_frozen_one() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, key) = world.create().await;
    let first = world.go_live(id, &key).await;
    let broadcast = world.stream(id).await.broadcast_id;
    first.freeze().unwrap();
    let sql = world.sql().await;
    let state =
        "SELECT string_agg(state || coalesce(' ' || end_reason, ''), ', ' ORDER BY id) FROM publishes";
    let mut second = world.publish(&key).await;
    eventually(TIMEOUT, "the second encoder to go live", async || {
        // A rejected encoder tries again, as OBS does.
        if second.ended().unwrap() {
            second = world.publish(&key).await;
        }
        let text: String = sql.query_one(state, &[]).await.unwrap().get(0);
        if text == "ended taken_over, live" {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await
    .unwrap();
    assert_eq!(world.stream(id).await.broadcast_id, broadcast);
    assert_eq!(world.events.all_with_times(started).len(), 1);
    assert!(world.events.all_with_times(ended).is_empty());
}
