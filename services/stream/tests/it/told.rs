//! What rooms are told of their viewers.

use std::time::{Duration, Instant};

use bus::{RealtimeHeard, RealtimeSubscriber};
use proto::events::v1::realtime::Message;

use crate::leases::forget;
use crate::world::{Replica, SOON, World};

/// The counts that rooms are told.
struct Told(RealtimeSubscriber);

impl Told {
    async fn to(world: &World, streams: &[i64]) -> Self {
        let keys: Vec<String> = streams.iter().map(|id| format!("stream.{id}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut subscriber = RealtimeSubscriber::start(&world.ear.bus, &keys);
        let first = tokio::time::timeout(SOON, subscriber.next()).await.unwrap();
        assert!(matches!(first, Some(RealtimeHeard::Connected)));
        Self(subscriber)
    }

    /// The next stream and its count.
    async fn next(&mut self) -> (i64, u32) {
        loop {
            let heard = tokio::time::timeout(SOON, self.0.next()).await.unwrap();
            if let Some(RealtimeHeard::Message {
                message: Message::ViewerCountChanged(changed),
                ..
            }) = heard
            {
                return (changed.stream_id, changed.count);
            }
        }
    }

    /// All until this one, which comes last.
    async fn until(&mut self, last: (i64, u32)) -> Vec<(i64, u32)> {
        let mut told = Vec::new();
        while told.last() != Some(&last) {
            told.push(self.next().await);
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_hear_of_changes_and_a_lost_redis_is_filled_again() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    let mut told = Told::to(&world, &[id]).await;
    world.renew("g1", id, &["u:1"]).await;
    assert_eq!(told.next().await, (id, 1));
    world.renew("g1", id, &["u:1", "u:2"]).await;
    assert_eq!(told.next().await, (id, 2));
    forget(&world.replica.app.redis).await;
    assert_eq!(told.next().await, (id, 0));
    world.renew("g1", id, &["u:1", "u:2"]).await;
    assert_eq!(told.next().await, (id, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_tells_and_its_successor_repeats_nothing() {
    let mut world = World::new().await;
    let second = Replica::start(&world.config).await;
    let ((quiet, _), (busy, _)) = (world.create().await, world.create().await);
    let mut told = Told::to(&world, &[quiet, busy]).await;
    world.renew("g1", quiet, &["u:1"]).await;
    let viewers: Vec<String> = (1..=40).map(|viewer| format!("u:{viewer}")).collect();
    let viewers: Vec<&str> = viewers.iter().map(String::as_str).collect();
    let come = async {
        for viewer in &viewers {
            world.renew("g1", busy, &[*viewer]).await;
            tokio::time::sleep(Duration::from_millis(75)).await;
        }
    };
    let began = Instant::now();
    let (heard, ()) = tokio::join!(told.until((busy, 40)), come);
    let (quietly, busily): (Vec<_>, Vec<_>) = heard.into_iter().partition(|(stream, _)| *stream == quiet);
    assert_eq!(quietly, [(quiet, 1)]);
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(
        busily.len() <= seconds + 2,
        "once a second at most: {busily:?} in {seconds} s"
    );
    assert!(
        busily.is_sorted_by(|(_, one), (_, next)| one < next),
        "changes only: {busily:?}"
    );

    let first = std::mem::replace(&mut world.replica, second);
    drop(first);
    world.renew("g1", quiet, &["u:1"]).await;
    world.renew("g1", busy, &viewers).await;
    world.renew("g1", busy, &["u:41"]).await;
    assert_eq!(told.next().await, (busy, 41));
}
