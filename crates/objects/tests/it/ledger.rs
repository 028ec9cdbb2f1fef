//! Objects are never orphaned, whoever dies.

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;
use objects::ledger::{announce, keep, remove_due};
use objects::{Doomed, replace};

use crate::world::{World, png};

#[tokio::test]
async fn what_nobody_keeps_is_removed_after_a_day() {
    let world = World::new().await;
    world
        .pictures
        .add(png(), 100, "p", "file")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.in_bucket().await.len(), 1);
    assert_eq!(
        world.remove_after(TimeDelta::hours(23)).await,
        0,
        "its writer may still live"
    );
    assert_eq!(world.remove_after(TimeDelta::hours(2)).await, 1);
    assert!(world.in_bucket().await.is_empty());
    assert_eq!(world.remove_after(TimeDelta::days(9)).await, 0, "once");
}

#[tokio::test]
async fn what_a_row_took_stays_until_it_is_replaced() {
    let world = World::new().await;
    let [first, second] = [
        world
            .pictures
            .add(png(), 100, "p", "file")
            .await
            .unwrap()
            .unwrap(),
        world
            .pictures
            .add(png(), 100, "p", "file")
            .await
            .unwrap()
            .unwrap(),
    ];
    let now = world.clock.now();
    let take = async |picture: objects::Picture, before: Option<Doomed>| {
        let taken =
            async move |conn: &mut AsyncPgConnection| replace(conn, Some(&picture), before, now).await;
        world.database.transaction(taken).await.unwrap();
    };
    take(first.clone(), None).await;
    assert_eq!(world.remove_after(TimeDelta::zero()).await, 0);
    let before = Doomed {
        key: first.key,
        version_id: first.version_id,
    };
    take(second.clone(), Some(before)).await;
    assert_eq!(world.remove_after(TimeDelta::zero()).await, 1);
    assert_eq!(world.in_bucket().await, [second.key]);
}

#[tokio::test]
async fn two_replicas_do_not_remove_the_same() {
    let world = World::new().await;
    let keys: Vec<String> = (0..20).map(|n| world.bucket.key(&format!("x/{n}"))).collect();
    let announced = keys.clone();
    let now = world.clock.now();
    let note = async move |conn: &mut AsyncPgConnection| {
        announce(conn, &announced, now).await?;
        keep(conn, &[announced[0].as_str()]).await
    };
    world.database.transaction(note).await.unwrap();
    let later = now + TimeDelta::days(2);
    let remove = || remove_due(&world.database, &world.bucket, later);
    let (one, other) = tokio::join!(remove(), remove());
    assert_eq!(one.unwrap() + other.unwrap(), 19);
}
