//! How other services keep up with keys and revocations.

use std::time::{Duration, Instant};

use bus::Bus;
use identity::{Revocation, ServiceName, TokenError, Verifier};
use proto::auth::v1::SessionResponse;
use runtime::Shutdown;
use runtime::identity_sync::{self, AuthPeer, Source};
use stack::eventually;

use crate::world::{PASSWORD, Replica, SOON, World, code};

/// A process of another service, as far as it verifies tokens.
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

/// So that only what is known of the session refuses the first token.
async fn log_out_with_a_later_token(replica: &Replica, session: &SessionResponse) {
    let later = replica.refresh(&session.refresh_token).await.unwrap();
    replica.logout(&later.access_token).await.unwrap();
}

async fn until_accepted(verifier: &Verifier, token: &str) {
    eventually(SOON, "the token to be accepted", async || verifier.verify(token))
        .await
        .unwrap();
}

#[tokio::test]
async fn another_service_hears_of_a_logout_within_a_second() {
    let world = World::new().await;
    let replica = world.replica().await;
    let bus = Bus::connect(&world.config.common.bus, "chat").unwrap();
    let (verifier, _shutdown) = other_service(&replica, &bus);
    let session = replica.register("anna").await;
    until_accepted(&verifier, &session.access_token).await;
    // Listening, so that what is measured is the event.
    let _ear = world.listen(&["token.revoked"]).await;
    let mut announced = verifier.revocations();

    let begun = Instant::now();
    replica.logout(&session.access_token).await.unwrap();
    let revocation = tokio::time::timeout(SOON, announced.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(matches!(
        revocation,
        Revocation::Token { .. } | Revocation::Session { .. }
    ));
    eventually(SOON, "the refusal", async || {
        verifier.verify(&session.access_token) == Err(TokenError::Revoked)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_a_broker_a_service_asks() {
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
    log_out_with_a_later_token(&replica, &session).await;
    let begun = Instant::now();
    eventually(SOON, "the refusal", async || {
        verifier.verify(&session.access_token) == Err(TokenError::Revoked)
    })
    .await
    .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_service_that_starts_late_learns_what_still_matters() {
    let world = World::new().await;
    let replica = world.replica().await;
    let session = replica.register("anna").await;
    log_out_with_a_later_token(&replica, &session).await;
    let bus = Bus::connect(&world.config.common.bus, "chat").unwrap();
    let (verifier, _shutdown) = other_service(&replica, &bus);
    let refused = async || verifier.verify(&session.access_token) == Err(TokenError::Revoked);
    eventually(SOON, "the refusal", refused).await.unwrap();
}

#[tokio::test]
async fn many_revocations_come_in_pages() {
    let world = World::new().await;
    let replica = world.replica().await;
    // All of one transaction, so all of one time.
    let statement = "INSERT INTO token_blacklist (token, kind, user_id, expires_at) \
                     SELECT 'many-' || i, 'session', 1, now() + interval '1 hour' FROM generate_series(1, 2500) i";
    let sql = world.sql().await;
    eventually(SOON, "the tables", async || sql.execute(statement, &[]).await)
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
async fn what_has_expired_is_removed_and_not_told() {
    let world = World::new().await;
    let replica = world.replica().await;
    let sql = world.sql().await;
    let statement = "INSERT INTO token_blacklist (token, kind, user_id, expires_at) \
                     VALUES ('old', 'token', 1, now() - interval '1 second'), ('new', 'token', 1, now() + interval '1 hour')";
    eventually(SOON, "the tables", async || sql.execute(statement, &[]).await)
        .await
        .unwrap();
    let source = AuthPeer::new(replica.peer(ServiceName::Vod));
    let (told, _) = source.revocations_since("").await.unwrap();
    assert!(
        matches!(told.as_slice(), [Revocation::Token { id, .. }] if id == "new"),
        "{told:?}"
    );
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
