//! Rate limits of requests, across gateways and without Redis.

use gateway::Config;
use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, Gateway, World, answer};

fn low_limits(config: &mut Config) {
    config.limits.gateway_reads_per_minute = 5;
    config.limits.gateway_writes_per_minute = 2;
    config.limits.gateway_sign_ins_per_minute = 3;
}

fn header(answer: &Answer, name: &str) -> u64 {
    answer.headers[name].to_str().unwrap().parse().unwrap()
}

fn is_too_many(answer: &Answer) {
    assert_eq!(
        (answer.status.as_u16(), &answer.body["code"]),
        (429, &json!("request.too_many"))
    );
    assert!(header(answer, "retry-after") > 0);
    assert_eq!(header(answer, "ratelimit-remaining"), 0);
}

#[tokio::test]
async fn reads_are_limited_per_party() {
    let world = World::with(low_limits).await;
    for left in (0..5).rev() {
        let passed = world.get("/api/streams").await;
        assert_eq!(passed.status, 200);
        assert_eq!(header(&passed, "ratelimit-limit"), 5);
        assert_eq!(header(&passed, "ratelimit-remaining"), left);
        assert!(header(&passed, "ratelimit-reset") <= 60);
    }
    let refused = world.get("/api/streams").await;
    is_too_many(&refused);
    assert!(
        header(&refused, "retry-after") <= 12,
        "one request more every twelve seconds"
    );

    let ann = world
        .request(Method::GET, "/api/streams")
        .bearer_auth(world.token(5, "ann"));
    assert_eq!(answer(ann).await.status, 200, "a user is another party");
    let elsewhere = world
        .request(Method::GET, "/api/streams")
        .header("x-forwarded-for", "203.0.113.7");
    assert_eq!(
        answer(elsewhere).await.status,
        200,
        "another address is another party"
    );
    let write = world
        .request(Method::POST, "/api/streams")
        .json(&json!({"title": "x"}));
    assert_eq!(answer(write).await.status, 401, "writes are counted separately");
    assert_eq!(
        world.get("/openapi.json").await.status,
        200,
        "only the API is counted"
    );
}

#[tokio::test]
async fn gateways_share_a_limit() {
    let mut shared = None;
    let world = World::with(|config| {
        low_limits(config);
        shared = Some(config.clone());
    })
    .await;
    let other = Gateway::start(shared.unwrap()).await;
    let ask = async |origin: &str| {
        let request = world.http.get(format!("{origin}/api/streams"));
        answer(request).await.status.as_u16()
    };
    // The second gateway may not have its keys yet.
    stack::eventually(crate::world::SOON, "the other gateway", async || {
        let ready = world.http.get(format!("{}/readyz", other.rest)).send().await;
        ready.is_ok_and(|answer| answer.status() == 200)
    })
    .await
    .unwrap();
    let mut passed = 0;
    for _ in 0..5 {
        for origin in [&world.app.rest, &other.rest] {
            passed += u32::from(ask(origin).await == 200);
        }
    }
    assert_eq!(passed, 5);
}

#[tokio::test]
async fn sign_ins_are_limited_by_address_despite_tokens() {
    let world = World::with(low_limits).await;
    let login = |id: i64| {
        let request = world.request(Method::POST, "/api/users/login");
        request
            .bearer_auth(world.token(id, "someone"))
            .json(&json!({"username": "ann", "password": "long enough"}))
    };
    for id in 1..=3 {
        assert_ne!(answer(login(id)).await.status, 429);
    }
    is_too_many(&answer(login(4)).await);
}

#[tokio::test]
async fn gateway_counts_alone_without_redis() {
    let world = World::with(|config| {
        low_limits(config);
        config.redis = storage::RedisConfig::new("redis://127.0.0.1:1", "x");
    })
    .await;
    for _ in 0..5 {
        assert_eq!(world.get("/api/streams").await.status, 200);
    }
    is_too_many(&world.get("/api/streams").await);
    assert_eq!(world.get("/readyz").await.status, 200);
}
