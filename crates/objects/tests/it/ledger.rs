//! No crash leaves an orphaned object behind.

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;
use objects::ledger::{commit, delete_due, reserve};
use objects::{PendingDeletion, StoredImage, replace};

use crate::world::{World, png};

impl World {
    async fn add_image(&self) -> StoredImage {
        self.images.add(png(), 100, "p", "file").await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn uncommitted_object_is_deleted_after_a_day() {
    let world = World::new().await;
    world.add_image().await;
    assert_eq!(world.objects_in_bucket().await.len(), 1);
    assert_eq!(
        world.delete_after(TimeDelta::hours(23)).await,
        0,
        "its writer may still be running"
    );
    assert_eq!(world.delete_after(TimeDelta::hours(2)).await, 1);
    assert!(world.objects_in_bucket().await.is_empty());
    assert_eq!(world.delete_after(TimeDelta::days(9)).await, 0, "deleted once");
}

#[tokio::test]
async fn committed_object_stays_until_it_is_replaced() {
    let world = World::new().await;
    let [first, second] = [world.add_image().await, world.add_image().await];
    let now = world.clock.now();
    let set = async |image: StoredImage, previous: Option<PendingDeletion>| {
        let replacement =
            async move |conn: &mut AsyncPgConnection| replace(conn, Some(&image), previous, now).await;
        world.database.transaction(replacement).await.unwrap();
    };
    set(first.clone(), None).await;
    assert_eq!(world.delete_after(TimeDelta::zero()).await, 0);
    let previous = PendingDeletion {
        key: first.key,
        version_id: first.version_id,
    };
    set(second.clone(), Some(previous)).await;
    assert_eq!(world.delete_after(TimeDelta::zero()).await, 1);
    assert_eq!(world.objects_in_bucket().await, [second.key]);
}

#[tokio::test]
async fn replicas_do_not_delete_the_same_object() {
    let world = World::new().await;
    let keys: Vec<String> = (0..20).map(|n| world.bucket.key(&format!("x/{n}"))).collect();
    let now = world.clock.now();
    let reservation = async move |conn: &mut AsyncPgConnection| {
        reserve(conn, &keys, now).await?;
        commit(conn, &[keys[0].as_str()]).await
    };
    world.database.transaction(reservation).await.unwrap();
    let later = now + TimeDelta::days(2);
    let delete = || delete_due(&world.database, &world.bucket, later);
    let (one, other) = tokio::join!(delete(), delete());
    assert_eq!(one.unwrap() + other.unwrap(), 19);
}
