use bus::{inbox_claim, inbox_prune};
use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn each_consumer_claims_event_once() {
    let world = World::new().await;
    let mut conn = world.database.get().await.unwrap();
    let id = Uuid::now_v7();
    assert!(inbox_claim(&mut conn, "test.one", id).await.unwrap());
    assert!(!inbox_claim(&mut conn, "test.one", id).await.unwrap());
    assert!(inbox_claim(&mut conn, "test.other", id).await.unwrap());
}

#[tokio::test]
async fn prune_deletes_only_old_ids() {
    let world = World::new().await;
    world
        .execute(
            "INSERT INTO inbox (consumer, event_id, created_at) \
             SELECT 'test.one', gen_random_uuid(), now() - interval '9 days' FROM generate_series(1, 2500); \
             INSERT INTO inbox (consumer, event_id, created_at) \
             SELECT 'test.one', gen_random_uuid(), now() - interval '7 days' FROM generate_series(1, 5);",
        )
        .await;
    assert_eq!(inbox_prune(&world.database).await.unwrap(), 2500);
    assert_eq!(world.number("SELECT count(*) FROM inbox").await, 5);
}
