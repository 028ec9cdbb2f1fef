//! Shared rate limits, and local ones while Redis is unavailable.

use std::time::Duration;

use primitives::Clock;
use primitives::rate::{Grant, Rate};
use storage::{RateLimiter, Redis, RedisConfig};

const RATE: Rate = Rate {
    burst: 10,
    window: Duration::from_secs(600),
};

fn grant(granted: u32, remaining: u32) -> Grant {
    Grant { granted, remaining }
}

async fn replicas() -> [RateLimiter; 2] {
    let stack = stack::shared().await.unwrap();
    let config = RedisConfig::new(&stack.redis_url, stack.redis_prefix());
    [(); 2].map(|()| RateLimiter::new(Redis::connect(&config).unwrap(), Clock::system()))
}

#[tokio::test]
async fn replicas_share_limits() {
    let [one, other] = replicas().await;
    assert_eq!(one.take("a", RATE, 4).await, Ok(grant(4, 6)));
    assert_eq!(other.take("a", RATE, 4).await, Ok(grant(4, 2)));
    assert_eq!(one.take("a", RATE, 4).await, Ok(grant(2, 0)));
    let wait = other.take("a", RATE, 4).await.unwrap_err();
    assert!(
        Duration::ZERO < wait && wait <= Duration::from_secs(60),
        "{wait:?}"
    );
    assert_eq!(
        other.take("b", RATE, 1).await.unwrap().remaining,
        9,
        "keys are independent"
    );
}

#[tokio::test]
async fn concurrent_requests_get_no_more_than_the_burst() {
    let [one, other] = replicas().await;
    let requests = (0..40).map(|n| {
        let replica = if n % 2 == 0 { &one } else { &other };
        replica.take("a", RATE, 1)
    });
    let grants = futures::future::join_all(requests).await;
    assert_eq!(grants.iter().filter(|grant| grant.is_ok()).count(), 10);
}

#[tokio::test]
async fn limits_recover() {
    let [one, _] = replicas().await;
    let quick = Rate {
        burst: 2,
        window: Duration::from_millis(100),
    };
    one.take("a", quick, 2).await.unwrap();
    stack::eventually(crate::TIMEOUT, "a grant", async || {
        let grant = one.take("a", quick, 1).await;
        grant.map_err(|wait| format!("{wait:?}"))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_redis_a_process_counts_by_itself() {
    let clock = Clock::manual(Clock::system().now());
    let unreachable = Redis::connect(&RedisConfig::new("redis://127.0.0.1:1", "x")).unwrap();
    let limiter = RateLimiter::new(unreachable, clock.clone());
    assert_eq!(limiter.take("a", RATE, 9).await, Ok(grant(9, 1)));
    assert_eq!(limiter.take("a", RATE, 9).await, Ok(grant(1, 0)));
    assert_eq!(limiter.take("a", RATE, 1).await, Err(Duration::from_secs(60)));
    clock.advance(chrono::TimeDelta::seconds(60));
    assert_eq!(limiter.take("a", RATE, 1).await, Ok(grant(1, 0)));
}
