//! The inbox by itself.

use bus::{inbox_claim, inbox_prune};
use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn an_id_is_claimed_once_by_each_consumer() {
    let world = World::new().await;
    let mut conn = world.database.get().await.unwrap();
    let id = Uuid::now_v7();
    assert!(inbox_claim(&mut conn, "test.one", id).await.unwrap());
    assert!(!inbox_claim(&mut conn, "test.one", id).await.unwrap());
    assert!(inbox_claim(&mut conn, "test.other", id).await.unwrap());
}

#[tokio::test]
async fn old_ids_are_removed_and_young_ones_kept() {
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
