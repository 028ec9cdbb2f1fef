//! Viewer counts that are published to gateways.

use std::time::{Duration, Instant};

use bus::{RealtimeSubscriber, SubscriberEvent};
use proto::events::v1::realtime::Message;

use crate::leases::flush;
use crate::world::{TIMEOUT, World, start};

/// Receives published counts.
struct Counts(RealtimeSubscriber);

impl Counts {
    async fn subscribe(world: &World, streams: &[i64]) -> Self {
        let keys: Vec<String> = streams.iter().map(|id| format!("stream.{id}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut subscriber = RealtimeSubscriber::start(&world.events.bus, &keys);
        let first = tokio::time::timeout(TIMEOUT, subscriber.next()).await.unwrap();
        assert!(matches!(first, Some(SubscriberEvent::Connected)));
        Self(subscriber)
    }

    /// Returns the next stream and its count.
    async fn next(&mut self) -> (i64, u32) {
        loop {
            let received = tokio::time::timeout(TIMEOUT, self.0.next()).await.unwrap();
            if let Some(SubscriberEvent::Message {
                message: Message::ViewerCountChanged(changed),
                ..
            }) = received
            {
                return (changed.stream_id, changed.count);
            }
        }
    }

    /// Receives until `last`, inclusive.
    async fn until(&mut self, last: (i64, u32)) -> Vec<(i64, u32)> {
        let mut received = Vec::new();
        while received.last() != Some(&last) {
            received.push(self.next().await);
        }
        received
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_published_and_counts_survive_a_flushed_redis() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    let mut counts = Counts::subscribe(&world, &[id]).await;
    world.renew("g1", id, &["u:1"]).await;
    assert_eq!(counts.next().await, (id, 1));
    world.renew("g1", id, &["u:1", "u:2"]).await;
    assert_eq!(counts.next().await, (id, 2));
    flush(&world.replica.app.redis).await;
    assert_eq!(counts.next().await, (id, 0));
    world.renew("g1", id, &["u:1", "u:2"]).await;
    assert_eq!(counts.next().await, (id, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_publishes_and_its_successor_repeats_nothing() {
    let mut world = World::new().await;
    let second = start(&world.config).await;
    let ((quiet, _), (busy, _)) = (world.create().await, world.create().await);
    let mut counts = Counts::subscribe(&world, &[quiet, busy]).await;
    world.renew("g1", quiet, &["u:1"]).await;
    let viewers: Vec<String> = (1..=40).map(|viewer| format!("u:{viewer}")).collect();
    let viewers: Vec<&str> = viewers.iter().map(String::as_str).collect();
    let arrivals = async {
        for viewer in &viewers {
            world.renew("g1", busy, &[*viewer]).await;
            tokio::time::sleep(Duration::from_millis(75)).await;
        }
    };
    let started = Instant::now();
    let (received, ()) = tokio::join!(counts.until((busy, 40)), arrivals);
    let (of_quiet, of_busy): (Vec<_>, Vec<_>) =
        received.into_iter().partition(|(stream, _)| *stream == quiet);
    assert_eq!(of_quiet, [(quiet, 1)]);
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap();
    assert!(
        of_busy.len() <= seconds + 2,
        "more than one per second: {of_busy:?} in {seconds} s"
    );
    assert!(
        of_busy.is_sorted_by(|(_, one), (_, next)| one < next),
        "repeated or decreasing: {of_busy:?}"
    );

    let first = std::mem::replace(&mut world.replica, second);
    drop(first);
    world.renew("g1", quiet, &["u:1"]).await;
    world.renew("g1", busy, &viewers).await;
    world.renew("g1", busy, &["u:41"]).await;
    assert_eq!(counts.next().await, (busy, 41));
}
