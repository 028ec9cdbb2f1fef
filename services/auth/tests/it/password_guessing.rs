//! Password guessing and its limits.

use std::time::{Duration, Instant};

use primitives::{Error, ErrorKind};
use proto::auth::v1::SessionResponse;
use storage::RedisConfig;

use crate::world::{PASSWORD, World, address, code};

#[tokio::test]
async fn unknown_username_and_wrong_password_are_indistinguishable() {
    let world = World::new().await;
    let replica = world.replica().await;
    replica.register("anna").await;
    let wrong = replica.login("anna", "wrong password").await.unwrap_err();
    assert_eq!(
        (wrong.kind, wrong.code.as_ref()),
        (ErrorKind::Unauthenticated, "auth.invalid_credentials")
    );
    for (name, password) in [
        ("nobody", PASSWORD),
        ("", ""),
        ("a\0b", PASSWORD),
        ("admin", PASSWORD),
        ("anna", ""),
    ] {
        assert_eq!(
            replica.login(name, password).await.unwrap_err(),
            wrong,
            "{name:?}"
        );
    }
    let begun = Instant::now();
    let huge = replica.login("anna", &"x".repeat(1 << 20)).await.unwrap_err();
    assert_eq!(huge.kind, ErrorKind::Invalid);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

fn refused(answer: Result<SessionResponse, Error>) -> Duration {
    let error = answer.unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_ref()),
        (ErrorKind::RateLimited, "auth.too_many_attempts")
    );
    error.retry_after.unwrap()
}

#[tokio::test]
async fn ten_failures_block_the_right_password() {
    let world = World::new().await;
    let replicas = [world.replica().await, world.replica().await];
    replicas[0].register("anna").await;
    for name in ["anna", "nobody"] {
        for i in 0..10 {
            let answer = replicas[i % 2]
                .login_from(name, "wrong password", address(1))
                .await;
            assert_eq!(code(answer), "auth.invalid_credentials");
        }
        let wait = refused(replicas[0].login_from(name, PASSWORD, address(1)).await);
        assert!(
            wait > Duration::from_secs(800) && wait <= Duration::from_secs(900),
            "{wait:?}"
        );
    }
    assert!(
        replicas[1].login_from("anna", PASSWORD, address(2)).await.is_ok(),
        "other addresses are not blocked"
    );
}

#[tokio::test]
async fn success_resets_failures() {
    let world = World::new().await;
    let replica = world.replica().await;
    replica.register("anna").await;
    for _ in 0..3 {
        for _ in 0..9 {
            let wrong = replica.login_from("anna", "wrong password", address(1)).await;
            assert_eq!(code(wrong), "auth.invalid_credentials");
        }
        assert!(replica.login_from("ANNA", PASSWORD, address(1)).await.is_ok());
    }
}

#[tokio::test]
async fn address_limits_are_independent() {
    let mut world = World::new().await;
    world.config.throttle.logins_per_address = 5;
    world.config.throttle.registrations_per_address = 2;
    let replica = world.replica().await;
    replica.register("anna").await;
    for _ in 0..5 {
        assert!(replica.login_from("anna", PASSWORD, address(1)).await.is_ok());
    }
    assert!(refused(replica.login_from("anna", PASSWORD, address(1)).await) <= Duration::from_secs(60));
    assert!(replica.login_from("anna", PASSWORD, address(2)).await.is_ok());

    let register = async |name: &str, from| {
        let request = proto::auth::v1::RegisterRequest {
            username: name.to_owned(),
            password: PASSWORD.to_owned(),
            display_name: None,
        };
        crate::world::result(replica.call_from(None, address(from)).register(request).await)
    };
    assert!(register("bert", 1).await.is_ok() && register("clara", 1).await.is_ok());
    refused(register("dora", 1).await);
    assert!(register("dora", 2).await.is_ok());
}

#[tokio::test]
async fn sign_in_works_without_redis() {
    let mut world = World::new().await;
    // Nothing listens on this port.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    world.config.redis = RedisConfig::new(format!("redis://{free}"), "test");
    let replica = world.replica().await;
    replica.register("anna").await;
    assert_eq!(
        code(replica.login_from("anna", "wrong password", address(1)).await),
        "auth.invalid_credentials"
    );
    assert!(replica.login_from("anna", PASSWORD, address(1)).await.is_ok());
}

#[tokio::test]
async fn flood_is_rejected_and_recovers() {
    let mut world = World::new().await;
    world.config.passwords.hash_workers = 1;
    world.config.passwords.hash_queue = 1;
    world.config.passwords.argon2_memory_kib = 4096;
    world.config.passwords.argon2_iterations = 20;
    let replica = world.replica().await;
    replica.register("anna").await;
    let tries = (0..16).map(|_| replica.login("nobody_here", PASSWORD));
    let answers = futures::future::join_all(tries).await;
    let codes: Vec<_> = answers.into_iter().map(code).collect();
    assert!(codes.iter().any(|code| code == "auth.busy"), "{codes:?}");
    assert!(codes.iter().all(|code| code == "auth.busy"
        || code == "auth.invalid_credentials"
        || code == "auth.too_many_attempts"));
    assert!(replica.login("anna", PASSWORD).await.is_ok());
}
