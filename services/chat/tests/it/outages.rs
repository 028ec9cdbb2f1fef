//! Outages of MongoDB and Redis, and shutdowns.

use std::time::{Duration, Instant};

use primitives::Role;
use tonic::Code;

use crate::proxy::Link;
use crate::world::{LIVE, TIMEOUT, World};

/// Refuses connections.
const CLOSED_ADDR: &str = "127.0.0.1:1";

#[tokio::test]
async fn sends_fail_within_three_seconds_without_mongodb() {
    let world = World::new().await;
    let proxy = world.proxy().await;
    let replica = world.replica_behind(&proxy).await;
    let client = world.client(&replica, 5, Role::User);
    client.send("before").await.unwrap();
    for link in [Link::Silent, Link::Cut] {
        proxy.set(link);
        let sends = (0..20).map(|i| {
            let client = client.clone();
            async move {
                // Spread out, so that some wait behind others, and some find the room's cache entry expired.
                tokio::time::sleep(Duration::from_millis(100 * i)).await;
                let started = Instant::now();
                let error = client.send("meanwhile").await.unwrap_err();
                assert_eq!(error.code(), Code::Unavailable);
                started.elapsed()
            }
        });
        let slowest = futures::future::join_all(sends).await.into_iter().max().unwrap();
        println!("slowest error: {slowest:?}");
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
        proxy.set(Link::Open);
        stack::eventually(TIMEOUT, "MongoDB to be used again", async || {
            client.send("after").await
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
async fn rate_limits_are_local_without_redis() {
    let world = World::new().await;
    let replica = world
        .replica(|config| config.redis.redis_url = format!("redis://{CLOSED_ADDR}").into())
        .await;
    let client = world.client(&replica, 5, Role::User);
    let outcomes = futures::future::join_all((0..30).map(|_| client.send("fast"))).await;
    let rejected = outcomes
        .iter()
        .filter(|o| o.as_ref().is_err_and(|s| s.code() == Code::ResourceExhausted))
        .count();
    assert!((15..=25).contains(&rejected), "{rejected}");
    assert_eq!(world.stored(LIVE).await.len(), 30 - rejected);
}

#[tokio::test]
async fn shutdown_settles_queued_messages() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    client.send("first").await.unwrap();
    let sends: Vec<_> = (0..50)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { client.send(&i.to_string()).await })
        })
        .collect();
    let before = Instant::now();
    replica.stop().await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(10));
    let acknowledged = futures::future::join_all(sends)
        .await
        .into_iter()
        .filter(|sent| matches!(sent, Ok(Ok(_))))
        .count();
    // Every acknowledged message is stored; others may be.
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
