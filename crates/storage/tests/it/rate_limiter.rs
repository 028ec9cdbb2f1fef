//! RateLimiter that replicas count together, and what each counts for itself while Redis is away.

use std::time::Duration;

use primitives::Clock;
use primitives::rate::{Grant, Rate};
use storage::{RateLimiter, Redis, RedisConfig};

const RATE: Rate = Rate {
    burst: 10,
    window: Duration::from_secs(600),
};

async fn replicas() -> [RateLimiter; 2] {
    let stack = stack::shared().await.unwrap();
    let config = RedisConfig::new(&stack.redis_url, stack.redis_prefix());
    [(); 2].map(|()| RateLimiter::new(Redis::connect(&config).unwrap(), Clock::system()))
}

#[tokio::test]
async fn replicas_count_together() {
    let [one, other] = replicas().await;
    assert_eq!(
        one.take("a", RATE, 4).await,
        Ok(Grant {
            granted: 4,
            remaining: 6
        })
    );
    assert_eq!(
        other.take("a", RATE, 4).await,
        Ok(Grant {
            granted: 4,
            remaining: 2
        })
    );
    assert_eq!(
        one.take("a", RATE, 4).await,
        Ok(Grant {
            granted: 2,
            remaining: 0
        })
    );
    let wait = other.take("a", RATE, 4).await.unwrap_err();
    assert!(
        Duration::ZERO < wait && wait <= Duration::from_secs(60),
        "{wait:?}"
    );
    assert_eq!(
        other.take("b", RATE, 1).await.unwrap().remaining,
        9,
        "keys are apart"
    );
}

#[tokio::test]
async fn many_at_once_get_no_more_than_the_burst() {
    let [one, other] = replicas().await;
    let asks = (0..40).map(|n| {
        let replica = if n % 2 == 0 { &one } else { &other };
        replica.take("a", RATE, 1)
    });
    let passed = futures::future::join_all(asks).await;
    assert_eq!(passed.iter().filter(|taken| taken.is_ok()).count(), 10);
}

#[tokio::test]
async fn what_was_paid_comes_back() {
    let [one, _] = replicas().await;
    let quick = Rate {
        burst: 2,
        window: Duration::from_millis(100),
    };
    one.take("a", quick, 2).await.unwrap();
    stack::eventually(crate::SOON, "one comes back", async || {
        let taken = one.take("a", quick, 1).await;
        taken.map_err(|wait| format!("{wait:?}"))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_redis_a_process_counts_for_itself() {
    let clock = Clock::manual(Clock::system().now());
    let away = Redis::connect(&RedisConfig::new("redis://127.0.0.1:1", "x")).unwrap();
    let rates = RateLimiter::new(away, clock.clone());
    assert_eq!(
        rates.take("a", RATE, 9).await,
        Ok(Grant {
            granted: 9,
            remaining: 1
        })
    );
    assert_eq!(
        rates.take("a", RATE, 9).await,
        Ok(Grant {
            granted: 1,
            remaining: 0
        })
    );
    assert_eq!(rates.take("a", RATE, 1).await, Err(Duration::from_secs(60)));
    clock.advance(chrono::TimeDelta::seconds(60));
    assert_eq!(
        rates.take("a", RATE, 1).await,
        Ok(Grant {
            granted: 1,
            remaining: 0
        })
    );
}
