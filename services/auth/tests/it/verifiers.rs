//! How other services stay current with keys and revocations.

use std::time::{Duration, Instant};

use bus::Bus;
use chrono::{TimeDelta, Utc};
use identity::{Revocation, ServiceName, TokenError, Verifier};
use primitives::Clock;
use proto::auth::v1::SessionResponse;
use runtime::Shutdown;
use runtime::identity_sync::{self, AuthPeer, Source};
use stack::eventually;

use crate::world::{PASSWORD, Replica, TIMEOUT, World, code};

/// Another service that verifies tokens.
fn other_service(replica: &Replica, bus: &Bus) -> (Verifier, Shutdown) {
    let verifier = Verifier::default();
    let shutdown = Shutdown::new(Duration::from_secs(1));
    identity_sync::start(
        &verifier,
        &AuthPeer::new(replica.peer(ServiceName::Chat)),
        bus,
        &shutdown,
    );
    (verifier, shutdown)
}

/// Logs out with a later token, so that the first one is only revoked through its session.
async fn log_out_with_later_token(replica: &Replica, session: &SessionResponse) {
    let later = replica.refresh(&session.refresh_token).await.unwrap();
    replica.logout(&later.access_token).await.unwrap();
}

async fn until_accepted(verifier: &Verifier, token: &str) {
    eventually(TIMEOUT, "the token to be accepted", async || {
        verifier.verify(token)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn logout_reaches_other_services_within_a_second() {
    let world = World::new().await;
    let replica = world.replica().await;
    let bus = Bus::connect(&world.config.common.bus, "chat").unwrap();
    let (verifier, _shutdown) = other_service(&replica, &bus);
    let session = replica.register("anna").await;
    until_accepted(&verifier, &session.access_token).await;
    // The queue is bound first, so that the event itself is timed.
    let _ear = world.listen(&["token.revoked"]).await;
    let mut announced = verifier.revocations();

    let begun = Instant::now();
    replica.logout(&session.access_token).await.unwrap();
    let revocation = tokio::time::timeout(TIMEOUT, announced.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(matches!(
        revocation,
        Revocation::Token { .. } | Revocation::Session { .. }
    ));
    eventually(TIMEOUT, "the refusal", async || {
        verifier.verify(&session.access_token) == Err(TokenError::Revoked)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn revocations_are_polled_without_broker() {
    let world = World::new().await;
    let replica = world.replica().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nowhere = Bus::connect(&bus::BusConfig::new(format!("amqp://x:y@{free}/z")), "chat").unwrap();
    let (verifier, _shutdown) = other_service(&replica, &nowhere);
    let session = replica.register("anna").await;
    until_accepted(&verifier, &session.access_token).await;
    log_out_with_later_token(&replica, &session).await;
    let begun = Instant::now();
    eventually(TIMEOUT, "the refusal", async || {
        verifier.verify(&session.access_token) == Err(TokenError::Revoked)
    })
    .await
    .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn late_service_fetches_earlier_revocations() {
    let world = World::new().await;
    let replica = world.replica().await;
    let session = replica.register("anna").await;
    log_out_with_later_token(&replica, &session).await;
    let bus = Bus::connect(&world.config.common.bus, "chat").unwrap();
    let (verifier, _shutdown) = other_service(&replica, &bus);
    let refused = async || verifier.verify(&session.access_token) == Err(TokenError::Revoked);
    eventually(TIMEOUT, "the refusal", refused).await.unwrap();
}

#[tokio::test]
async fn revocations_are_paged() {
    let world = World::new().await;
    let replica = world.replica().await;
    // One transaction, so all rows have the same time.
    let statement = "INSERT INTO token_blacklist (token, kind, user_id, expires_at) \
                     SELECT 'many-' || i, 'session', 1, now() + interval '1 hour' \
                     FROM generate_series(1, 2500) i";
    let sql = world.sql().await;
    eventually(TIMEOUT, "the tables", async || sql.execute(statement, &[]).await)
        .await
        .unwrap();
    let source = AuthPeer::new(replica.peer(ServiceName::Chat));
    let (mut seen, mut cursor) = (std::collections::BTreeSet::new(), String::new());
    loop {
        let (page, next) = source.revocations_since(&cursor).await.unwrap();
        assert!(page.len() <= identity::REVOCATIONS_PAGE);
        let full = page.len() == identity::REVOCATIONS_PAGE;
        seen.extend(page.into_iter().map(|revocation| format!("{revocation:?}")));
        cursor = next;
        if !full {
            break;
        }
    }
    assert_eq!(seen.len(), 2500);
    for bad in ["x", "1", "a:b"] {
        assert_eq!(code(source.revocations_since(bad).await), "request.invalid");
    }
}

#[tokio::test]
async fn expired_revocations_are_pruned() {
    // Behind the database, so that the run at the start does not remove the row.
    let world = World {
        clock: Clock::manual(Utc::now() - TimeDelta::seconds(2)),
        ..World::new().await
    };
    let replica = world.replica().await;
    let sql = world.sql().await;
    let statement = "INSERT INTO token_blacklist (token, kind, user_id, expires_at) \
                     VALUES ('old', 'token', 1, now() - interval '1 second'), \
                     ('new', 'token', 1, now() + interval '1 hour')";
    eventually(TIMEOUT, "the tables", async || sql.execute(statement, &[]).await)
        .await
        .unwrap();
    let source = AuthPeer::new(replica.peer(ServiceName::Vod));
    let (revocations, _) = source.revocations_since("").await.unwrap();
    assert!(
        matches!(revocations.as_slice(), [Revocation::Token { id, .. }] if id == "new"),
        "{revocations:?}"
    );
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(
        auth::inbound::clock::prune(&replica.store, &world.clock)
            .await
            .unwrap(),
        1
    );
    let left = sql
        .query_one("SELECT string_agg(token, ',') FROM token_blacklist", &[])
        .await
        .unwrap();
    assert_eq!(left.get::<_, &str>(0), "new");
    assert!(replica.register("anna").await.user.is_some() && replica.login("anna", PASSWORD).await.is_ok());
}
