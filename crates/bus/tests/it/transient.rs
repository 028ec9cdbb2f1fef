//! Listeners and realtime messages.

use std::time::Duration;

use bus::{Listener, ListenerEvent, Realtime, RealtimeSubscriber, SubscriberEvent};
use proto::events::v1::ViewerCountChanged;
use proto::events::v1::realtime::Message;
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::world::{TIMEOUT, World, stream_started, user_deleted, vhost};

async fn next_event(listener: &mut Listener) -> ListenerEvent {
    timeout(TIMEOUT, listener.next()).await.unwrap().unwrap()
}

async fn connected(listener: &mut Listener) {
    assert!(matches!(next_event(listener).await, ListenerEvent::Connected));
    assert!(listener.is_connected());
}

/// Returns the count of the next message.
async fn count(subscriber: &mut RealtimeSubscriber) -> u32 {
    match timeout(TIMEOUT, subscriber.next()).await.unwrap().unwrap() {
        SubscriberEvent::Message {
            message: Message::ViewerCountChanged(changed),
            key,
            ..
        } => {
            assert_eq!(key, Realtime::stream_key(changed.stream_id));
            changed.count
        }
        other => panic!("{other:?}"),
    }
}

fn publish(realtime: &Realtime, stream_id: i64, count: u32) {
    let message = Message::ViewerCountChanged(ViewerCountChanged { stream_id, count });
    realtime.publish(Realtime::stream_key(stream_id), message);
}

#[tokio::test]
async fn every_replica_receives_events_and_reports_reconnection() {
    let url = vhost().await;
    let proxy = Proxy::start(&url).await;
    let world = World::with_bus_url(&proxy.url(&url), &url).await;
    world.relay();
    let mut replicas = [
        Listener::start(&world.bus, &["stream.*"]),
        Listener::start(&world.bus, &["stream.*"]),
    ];
    for version in 1..3 {
        for replica in &mut replicas {
            connected(replica).await;
        }
        world.emit(user_deleted(), version).await;
        world.emit(stream_started(), version).await;
        for replica in &mut replicas {
            match next_event(replica).await {
                ListenerEvent::Event(event, _) => assert_eq!(event.version, version),
                ListenerEvent::Connected => panic!("connected twice"),
            }
        }
        proxy.disconnect();
    }
}

#[tokio::test]
async fn keys_are_bound_and_unbound_at_run_time() {
    let world = World::new().await;
    let realtime = Realtime::start(&world.bus);
    let mut subscriber = RealtimeSubscriber::start(&world.bus, &["stream.3"]);
    let bindings = subscriber.bindings();
    assert!(matches!(
        timeout(TIMEOUT, subscriber.next()).await.unwrap(),
        Some(SubscriberEvent::Connected)
    ));
    assert!(bindings.is_connected());
    publish(&realtime, 1, 1);
    publish(&realtime, 2, 2);
    // The last message has arrived, so the broker has already dropped the two before it.
    publish(&realtime, 3, 3);
    assert_eq!(count(&mut subscriber).await, 3);
    assert!(bindings.bind("stream.1").await);
    assert!(bindings.bind("stream.2").await);
    assert!(bindings.bind("stream.2").await, "binding is not idempotent");
    publish(&realtime, 1, 11);
    assert_eq!(count(&mut subscriber).await, 11);
    assert!(bindings.unbind("stream.1").await);
    publish(&realtime, 1, 111);
    publish(&realtime, 2, 222);
    assert_eq!(count(&mut subscriber).await, 222);
}

#[tokio::test]
async fn bindings_survive_reconnection() {
    let url = vhost().await;
    let proxy = Proxy::start(&url).await;
    let world = World::with_bus_url(&proxy.url(&url), &url).await;
    let realtime = Realtime::start(&world.bus);
    let mut subscriber = RealtimeSubscriber::start(&world.bus, &[]);
    let bindings = subscriber.bindings();
    assert!(matches!(
        timeout(TIMEOUT, subscriber.next()).await.unwrap(),
        Some(SubscriberEvent::Connected)
    ));
    assert!(bindings.bind("stream.1").await);
    proxy.refuse(true);
    stack::eventually(TIMEOUT, "the connection loss", async || !bindings.is_connected())
        .await
        .unwrap();
    assert!(
        !timeout(TIMEOUT, bindings.bind("stream.2")).await.unwrap(),
        "bound without a broker"
    );
    assert!(!timeout(TIMEOUT, bindings.unbind("stream.1")).await.unwrap());
    assert!(!timeout(TIMEOUT, bindings.bind("stream.3")).await.unwrap());
    proxy.refuse(false);
    assert!(matches!(
        timeout(TIMEOUT, subscriber.next()).await.unwrap(),
        Some(SubscriberEvent::Connected)
    ));
    world.bus.connected().await;
    publish(&realtime, 1, 1);
    publish(&realtime, 2, 2);
    publish(&realtime, 3, 3);
    assert_eq!(
        [count(&mut subscriber).await, count(&mut subscriber).await],
        [2, 3]
    );
}

#[tokio::test]
async fn slow_reader_can_still_bind() {
    let world = World::new().await;
    let realtime = Realtime::start(&world.bus);
    let mut subscriber = RealtimeSubscriber::start(&world.bus, &["stream.1"]);
    let bindings = subscriber.bindings();
    assert!(matches!(
        timeout(TIMEOUT, subscriber.next()).await.unwrap(),
        Some(SubscriberEvent::Connected)
    ));
    for number in 0..2000 {
        publish(&realtime, 1, number);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(timeout(TIMEOUT, bindings.bind("stream.2")).await.unwrap());
    for number in 0..2000 {
        assert_eq!(count(&mut subscriber).await, number);
    }
}
