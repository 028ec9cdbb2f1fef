//! With a server away.

use std::time::{Duration, Instant};

use primitives::Role;
use tonic::Code;

use crate::proxy::Way;
use crate::world::{LIVE, SOON, World};

/// A port on which nobody answers; the kernel refuses connections to it.
const NOBODY: &str = "127.0.0.1:1";

#[tokio::test]
async fn without_mongodb_a_send_fails_within_three_seconds() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    client.say("before").await.unwrap();
    for way in [Way::Silent, Way::Cut] {
        proxy.set(way);
        let sends = (0..20).map(|i| {
            let client = client.clone();
            async move {
                // Some while others wait, and some when the room's liveness has been forgotten.
                tokio::time::sleep(Duration::from_millis(100 * i)).await;
                let began = Instant::now();
                let refused = client.say("meanwhile").await.unwrap_err();
                assert_eq!(refused.code(), Code::Unavailable);
                began.elapsed()
            }
        });
        let slowest = futures::future::join_all(sends).await.into_iter().max().unwrap();
        println!("slowest refusal: {slowest:?}");
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
        proxy.set(Way::Open);
        stack::eventually(SOON, "MongoDB to be used again", async || {
            client.say("after").await
        })
        .await
        .unwrap();
    }
    let numbers: Vec<i64> = world
        .stored(LIVE)
        .await
        .iter()
        .map(|m| m.get_i64("seq").unwrap())
        .collect();
    assert_eq!(
        numbers,
        (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn without_redis_rates_are_counted_by_each_replica() {
    let world = World::new().await;
    let replica = world
        .replica(|config| config.redis.redis_url = format!("redis://{NOBODY}").into())
        .await;
    let client = world.client(&replica, 5, Role::User);
    let outcomes = futures::future::join_all((0..30).map(|_| client.say("fast"))).await;
    let refused = outcomes
        .iter()
        .filter(|o| o.as_ref().is_err_and(|s| s.code() == Code::ResourceExhausted))
        .count();
    assert!((15..=25).contains(&refused), "{refused}");
    assert_eq!(world.stored(LIVE).await.len(), 30 - refused);
}

#[tokio::test]
async fn a_stop_answers_what_was_taken() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    client.say("first").await.unwrap();
    let sends: Vec<_> = (0..50)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { client.say(&i.to_string()).await })
        })
        .collect();
    let before = Instant::now();
    replica.stop().await;
    assert!(before.elapsed() < Duration::from_secs(10));
    let acknowledged = futures::future::join_all(sends)
        .await
        .into_iter()
        .filter(|sent| matches!(sent, Ok(Ok(_))))
        .count();
    // Everything that was acknowledged is stored; what was not may be.
    let stored = world.stored(LIVE).await;
    assert!(
        stored.len() > acknowledged,
        "{} stored, {acknowledged} acknowledged",
        stored.len() - 1
    );
    let numbers: Vec<i64> = stored.iter().map(|m| m.get_i64("seq").unwrap()).collect();
    assert_eq!(
        numbers,
        (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>()
    );
}
