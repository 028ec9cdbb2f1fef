//! Connections that are cut, closed by the broker, or cannot be made.

use std::time::{Duration, Instant};

use bus::{Bus, BusConfig, Error, Realtime};
use proto::events::v1::ViewerCountChanged;
use proto::events::v1::realtime::Message;

use crate::proxy::Proxy;
use crate::world::{SOON, World, next, stream_started, vhost};

#[tokio::test]
async fn consumer_and_relay_resume_after_the_connection_was_cut() {
    let url = vhost().await;
    let proxy = Proxy::before(&url).await;
    let world = World::over(&proxy.url(&url), &url).await;
    world.relay();
    let mut heard = world.hear("test.all", &["stream.*"]).await;
    for version in 0..3 {
        let id = world.emit(stream_started(), version).await;
        while next(&mut heard).await.id != id {}
        proxy.cut();
    }
    let id = world.emit(stream_started(), 9).await;
    while next(&mut heard).await.id != id {}
    world.outbox_is_empty().await;
}

#[tokio::test]
async fn consumer_and_relay_resume_after_the_broker_closed_the_connection() {
    let world = World::new().await;
    world.relay();
    let mut heard = world.hear("test.all", &["stream.*"]).await;
    close_connections(&world).await;
    let id = world.emit(stream_started(), 1).await;
    while next(&mut heard).await.id != id {}
    world.outbox_is_empty().await;
}

/// Has the broker close the bus's connections, as an administrator would; the test's own eye on the broker
/// stays.
async fn close_connections(world: &World) {
    let stack = stack::shared().await.unwrap();
    let mut closed = 0;
    stack::eventually(SOON, "the loss", async || {
        closed += stack.close_connections(&world.amqp_url, "test ").await.unwrap();
        closed > 0 && !world.bus.is_connected()
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn events_wait_in_the_outbox_while_the_broker_is_away_and_block_nothing() {
    let url = vhost().await;
    let proxy = Proxy::before(&url).await;
    let world = World::over(&proxy.url(&url), &url).await;
    world.relay();
    let mut heard = world.hear("test.all", &["stream.*"]).await;
    proxy.refuse(true);
    stack::eventually(SOON, "the loss", async || !world.bus.is_connected())
        .await
        .unwrap();
    assert!(matches!(world.bus.ping().await, Err(Error::Disconnected)));
    let mut ids = Vec::new();
    for version in 0..10 {
        ids.push(world.emit(stream_started(), version).await);
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(world.outbox().await, 10);
    // No relay sits on the rows meanwhile.
    assert_eq!(
        world
            .number("SELECT count(*) FROM (SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED) AS free")
            .await,
        10
    );
    proxy.refuse(false);
    let mut seen = std::collections::HashSet::new();
    while seen.len() < 10 {
        seen.insert(next(&mut heard).await.id);
    }
    assert_eq!(seen, ids.into_iter().collect());
    world.outbox_is_empty().await;
}

#[tokio::test]
async fn a_broker_that_is_away_fails_nothing_at_start() {
    let started = Instant::now();
    let bus = Bus::connect(&BusConfig::new("amqp://airwave:secret@127.0.0.1:1/none"), "test").unwrap();
    let realtime = Realtime::start(&bus);
    for count in 0..20_000 {
        let message = ViewerCountChanged { stream_id: 1, count };
        realtime.publish(Realtime::stream_key(1), Message::ViewerCountChanged(message));
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert!(!bus.is_connected());
}

#[tokio::test]
async fn a_url_that_is_none_is_a_configuration_error_without_the_url() {
    match Bus::connect(&BusConfig::new("amqp://airwave:hunter2@host:notaport/x"), "test") {
        Err(Error::Config(message)) => assert!(!message.contains("hunter2")),
        other => panic!("{other:?}"),
    }
}
