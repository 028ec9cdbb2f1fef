//! Connections that break, are closed by the broker, or cannot be established.

use std::time::{Duration, Instant};

use bus::{Bus, BusConfig, Error, Realtime};
use proto::events::v1::ViewerCountChanged;
use proto::events::v1::realtime::Message;

use crate::proxy::Proxy;
use crate::world::{TIMEOUT, World, next, stream_started, vhost};

#[tokio::test]
async fn consumer_and_relay_resume_after_connection_loss() {
    let url = vhost().await;
    let proxy = Proxy::start(&url).await;
    let world = World::with_bus_url(&proxy.url(&url), &url).await;
    world.relay();
    let mut deliveries = world.collect("test.all", &["stream.*"]).await;
    for version in 0..3 {
        let id = world.emit(stream_started(), version).await;
        while next(&mut deliveries).await.id != id {}
        proxy.disconnect();
    }
    let id = world.emit(stream_started(), 9).await;
    while next(&mut deliveries).await.id != id {}
    world.outbox_is_empty().await;
}

#[tokio::test]
async fn consumer_and_relay_resume_after_broker_closes_connection() {
    let world = World::new().await;
    world.relay();
    let mut deliveries = world.collect("test.all", &["stream.*"]).await;
    close_connections(&world).await;
    let id = world.emit(stream_started(), 1).await;
    while next(&mut deliveries).await.id != id {}
    world.outbox_is_empty().await;
}

/// Has the broker close the bus's connections, as an administrator would. The test's own connection stays
/// open.
async fn close_connections(world: &World) {
    let stack = stack::shared().await.unwrap();
    let mut closed = 0;
    stack::eventually(TIMEOUT, "the connection loss", async || {
        closed += stack.close_connections(&world.amqp_url, "test ").await.unwrap();
        closed > 0 && !world.bus.is_connected()
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn events_wait_in_outbox_during_outage_without_row_locks() {
    let url = vhost().await;
    let proxy = Proxy::start(&url).await;
    let world = World::with_bus_url(&proxy.url(&url), &url).await;
    world.relay();
    let mut deliveries = world.collect("test.all", &["stream.*"]).await;
    proxy.refuse(true);
    stack::eventually(TIMEOUT, "the connection loss", async || !world.bus.is_connected())
        .await
        .unwrap();
    assert!(matches!(world.bus.ping().await, Err(Error::Disconnected)));
    let mut ids = Vec::new();
    for version in 0..10 {
        ids.push(world.emit(stream_started(), version).await);
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(world.outbox().await, 10);
    // No relay has locked the rows.
    assert_eq!(
        world
            .number("SELECT count(*) FROM (SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED) AS free")
            .await,
        10
    );
    proxy.refuse(false);
    let mut seen = std::collections::HashSet::new();
    while seen.len() < 10 {
        seen.insert(next(&mut deliveries).await.id);
    }
    assert_eq!(seen, ids.into_iter().collect());
    world.outbox_is_empty().await;
}

#[tokio::test]
async fn bus_starts_while_broker_is_unavailable() {
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
async fn malformed_url_is_configuration_error_without_the_url() {
    match Bus::connect(&BusConfig::new("amqp://airwave:hunter2@host:notaport/x"), "test") {
        Err(Error::Config(message)) => assert!(!message.contains("hunter2")),
        other => panic!("{other:?}"),
    }
}
