//! From a transaction to a consumer.

use std::collections::HashMap;

use bus::{Backlog, Consumer};
use proto::events::v1::event::Payload;

use crate::world::{TIMEOUT, World, next, quick, stream_started, user_deleted};

#[tokio::test]
async fn rolled_back_event_is_not_published() {
    let world = World::new().await;
    world.relay();
    let mut deliveries = world.collect("test.all", &["stream.*", "user.*"]).await;
    let work = world
        .database
        .transaction(async |conn| -> Result<(), storage::Error> {
            bus::emit(conn, user_deleted(), 1, 1).await?;
            Err(storage::Error::NotFound)
        });
    assert!(work.await.is_err());
    let id = world.emit(stream_started(), 2).await;
    let delivery = next(&mut deliveries).await;
    assert_eq!((delivery.id, delivery.attempt), (id, 1));
    let event = delivery.event;
    assert_eq!((event.aggregate_id, event.version), (7, 2));
    assert!(event.occurred_at.is_some());
    assert!(matches!(event.payload, Some(Payload::StreamStarted(started)) if started.title == "A title"));
    world.outbox_is_empty().await;
    assert!(deliveries.try_recv().is_err());
}

#[tokio::test]
async fn backlog_counts_unpublished_events() {
    let world = World::new().await;
    let empty = Backlog::of(&world.database).await.unwrap();
    assert_eq!((empty.depth, empty.oldest_seconds, empty.deferred), (0, None, 0));
    world.emit(user_deleted(), 1).await;
    world.emit(stream_started(), 2).await;
    let two = Backlog::of(&world.database).await.unwrap();
    assert_eq!((two.depth, two.deferred), (2, 0));
    assert!(
        two.oldest_seconds
            .is_some_and(|seconds| (0.0..60.0).contains(&seconds))
    );
}

#[tokio::test]
async fn crash_before_delete_repeats_event_but_not_effect() {
    let world = World::new().await;
    world
        .execute(
            "CREATE TABLE effects (event_id UUID); CREATE TABLE calls (event_id UUID); \
             CREATE SEQUENCE deletions; \
             CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('deletions') = 1 THEN RAISE EXCEPTION 'crash'; END IF; RETURN NULL; END $$; \
             CREATE TRIGGER fail_once AFTER DELETE ON outbox FOR EACH STATEMENT \
             EXECUTE FUNCTION fail_once();",
        )
        .await;
    let database = world.database.clone();
    let handler = move |delivery: bus::Delivery| {
        let database = database.clone();
        async move {
            let id = delivery.id;
            database
                .transaction(async move |conn| {
                    use diesel_async::SimpleAsyncConnection;
                    conn.batch_execute(&format!("INSERT INTO calls VALUES ('{id}')"))
                        .await?;
                    if bus::inbox_claim(conn, "test.effects", id).await? {
                        conn.batch_execute(&format!("INSERT INTO effects VALUES ('{id}')"))
                            .await?;
                    }
                    Ok(())
                })
                .await
        }
    };
    let consumer = Consumer::new("test.effects", &["stream.started"]).retry(quick(3));
    world.consume(consumer, "test.effects", handler).await;
    world.emit(stream_started(), 1).await;
    world.relay();
    world.outbox_is_empty().await;
    let calls = async || world.number("SELECT count(*) FROM calls").await;
    stack::eventually(TIMEOUT, "the repeat", async || calls().await == 2)
        .await
        .unwrap();
    assert_eq!(world.number("SELECT count(*) FROM effects").await, 1);
}

#[tokio::test]
async fn two_relays_publish_each_event_once() {
    let world = World::new().await;
    let mut deliveries = world.collect("test.all", &["stream.*"]).await;
    let mut expected = HashMap::new();
    let work = world
        .database
        .transaction(async |conn| -> Result<Vec<uuid::Uuid>, storage::Error> {
            let mut ids = Vec::new();
            for version in 0..500 {
                ids.push(bus::emit(conn, stream_started(), 7, version).await?);
            }
            Ok(ids)
        });
    for id in work.await.unwrap() {
        expected.insert(id, 1);
    }
    world.relay();
    world.relay();
    let mut seen = HashMap::new();
    for _ in 0..500 {
        *seen.entry(next(&mut deliveries).await.id).or_insert(0) += 1;
    }
    world.outbox_is_empty().await;
    assert_eq!(seen, expected);
    assert!(deliveries.try_recv().is_err(), "duplicate event");
}

#[tokio::test]
async fn event_without_queue_waits_without_blocking_others() {
    let world = World::new().await;
    world.relay();
    let mut streams = world.collect("test.streams", &["stream.*"]).await;
    for version in 0..150 {
        world.emit(user_deleted(), version).await;
    }
    let id = world.emit(stream_started(), 1).await;
    assert_eq!(next(&mut streams).await.id, id);
    let deferred = async || {
        world
            .number("SELECT count(*) FROM outbox WHERE attempts > 0")
            .await
    };
    stack::eventually(TIMEOUT, "deferred events", async || deferred().await == 150)
        .await
        .unwrap();
    let mut users = world.collect("test.users", &["user.*"]).await;
    for _ in 0..150 {
        next(&mut users).await;
    }
    world.outbox_is_empty().await;
}

#[tokio::test]
async fn relay_publishes_last_events_on_shutdown() {
    let world = World::new().await;
    let mut deliveries = world.collect("test.all", &["stream.*"]).await;
    world.bus.connected().await;
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    let id = world.emit(stream_started(), 1).await;
    bus::Relay::run(world.database.clone(), world.bus.clone(), stop).await;
    assert_eq!(world.outbox().await, 0);
    assert_eq!(next(&mut deliveries).await.id, id);
}
