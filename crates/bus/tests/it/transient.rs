//! Listeners and realtime messages.

use std::time::Duration;

use bus::{Heard, Listener, Realtime, RealtimeHeard, RealtimeSubscriber};
use proto::events::v1::ViewerCountChanged;
use proto::events::v1::realtime::Message;
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::world::{SOON, World, stream_started, user_deleted, vhost};

async fn heard(listener: &mut Listener) -> Heard {
    timeout(SOON, listener.next()).await.unwrap().unwrap()
}

async fn connected(listener: &mut Listener) {
    assert!(matches!(heard(listener).await, Heard::Connected));
    assert!(listener.is_connected());
}

/// The count of the next message.
async fn count(subscriber: &mut RealtimeSubscriber) -> u32 {
    match timeout(SOON, subscriber.next()).await.unwrap().unwrap() {
        RealtimeHeard::Message {
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

fn tell(realtime: &Realtime, stream_id: i64, count: u32) {
    let message = Message::ViewerCountChanged(ViewerCountChanged { stream_id, count });
    realtime.publish(Realtime::stream_key(stream_id), message);
}

#[tokio::test]
async fn every_replica_hears_an_event_and_after_a_cut_says_that_it_listens_again() {
    let url = vhost().await;
    let proxy = Proxy::before(&url).await;
    let world = World::over(&proxy.url(&url), &url).await;
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
            match heard(replica).await {
                Heard::Event(event, _) => assert_eq!(event.version, version),
                Heard::Connected => panic!("connected twice"),
            }
        }
        proxy.cut();
    }
}

#[tokio::test]
async fn keys_are_bound_and_unbound_at_run_time() {
    let world = World::new().await;
    let realtime = Realtime::start(&world.bus);
    let mut subscriber = RealtimeSubscriber::start(&world.bus, &["stream.3"]);
    let bindings = subscriber.bindings();
    assert!(matches!(
        timeout(SOON, subscriber.next()).await.unwrap(),
        Some(RealtimeHeard::Connected)
    ));
    assert!(bindings.is_connected());
    tell(&realtime, 1, 1);
    tell(&realtime, 2, 2);
    // Told last and heard: the broker has passed the two before on, to nobody.
    tell(&realtime, 3, 3);
    assert_eq!(count(&mut subscriber).await, 3);
    assert!(bindings.bind("stream.1").await);
    assert!(bindings.bind("stream.2").await);
    assert!(bindings.bind("stream.2").await, "twice is once");
    tell(&realtime, 1, 11);
    assert_eq!(count(&mut subscriber).await, 11);
    assert!(bindings.unbind("stream.1").await);
    tell(&realtime, 1, 111);
    tell(&realtime, 2, 222);
    assert_eq!(count(&mut subscriber).await, 222);
}

#[tokio::test]
async fn bindings_outlive_the_connection() {
    let url = vhost().await;
    let proxy = Proxy::before(&url).await;
    let world = World::over(&proxy.url(&url), &url).await;
    let realtime = Realtime::start(&world.bus);
    let mut subscriber = RealtimeSubscriber::start(&world.bus, &[]);
    let bindings = subscriber.bindings();
    assert!(matches!(
        timeout(SOON, subscriber.next()).await.unwrap(),
        Some(RealtimeHeard::Connected)
    ));
    assert!(bindings.bind("stream.1").await);
    proxy.refuse(true);
    stack::eventually(SOON, "the loss", async || !bindings.is_connected())
        .await
        .unwrap();
    assert!(
        !timeout(SOON, bindings.bind("stream.2")).await.unwrap(),
        "there is no broker to bind it"
    );
    assert!(!timeout(SOON, bindings.unbind("stream.1")).await.unwrap());
    assert!(!timeout(SOON, bindings.bind("stream.3")).await.unwrap());
    proxy.refuse(false);
    assert!(matches!(
        timeout(SOON, subscriber.next()).await.unwrap(),
        Some(RealtimeHeard::Connected)
    ));
    world.bus.connected().await;
    tell(&realtime, 1, 1);
    tell(&realtime, 2, 2);
    tell(&realtime, 3, 3);
    assert_eq!(
        [count(&mut subscriber).await, count(&mut subscriber).await],
        [2, 3]
    );
}

#[tokio::test]
async fn a_reader_that_is_behind_can_still_bind() {
    let world = World::new().await;
    let realtime = Realtime::start(&world.bus);
    let mut subscriber = RealtimeSubscriber::start(&world.bus, &["stream.1"]);
    let bindings = subscriber.bindings();
    assert!(matches!(
        timeout(SOON, subscriber.next()).await.unwrap(),
        Some(RealtimeHeard::Connected)
    ));
    for number in 0..2000 {
        tell(&realtime, 1, number);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(timeout(SOON, bindings.bind("stream.2")).await.unwrap());
    for number in 0..2000 {
        assert_eq!(count(&mut subscriber).await, number);
    }
}
