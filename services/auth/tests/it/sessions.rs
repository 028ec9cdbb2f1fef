//! Sessions, access tokens and refresh tokens.

use chrono::Utc;
use primitives::Clock;
use proto::events::v1::event::Payload;
use proto::events::v1::token_revoked::What;
use proto::time::datetime;
use stack::eventually;

use crate::world::{PASSWORD, Replica, TIMEOUT, World, code, user};

#[tokio::test]
async fn register_and_sign_in() {
    let world = World::new().await;
    let replica = world.replica().await;
    let mut events = world.listen(&["user.registered"]).await;

    let first = replica.register("Anna_9").await;
    assert_eq!(
        (user(&first).username.as_str(), user(&first).display_name.as_str()),
        ("Anna_9", "Anna_9")
    );
    let expires = datetime(first.expires_at.as_ref()).unwrap();
    assert!((expires - Utc::now()).num_seconds() > 890);
    let Payload::UserRegistered(event) = events.next().await else {
        panic!("unexpected event")
    };
    assert_eq!(
        (event.user_id, event.username.as_str()),
        (user(&first).id, "Anna_9")
    );

    let again = replica.login("aNNA_9", PASSWORD).await.unwrap();
    assert_eq!(user(&again), user(&first));
    assert_ne!(again.refresh_token, first.refresh_token);
    for session in [&first, &again] {
        assert_eq!(&replica.me(&session.access_token).await.unwrap(), user(&first));
    }
    replica.stop().await.unwrap();
}

#[tokio::test]
async fn refresh_token_reuse_ends_the_session() {
    let world = World::new().await;
    let (one, two) = (world.replica().await, world.replica().await);
    let other = one.register("anna").await;
    let first = one.login("anna", PASSWORD).await.unwrap();
    let second = two.refresh(&first.refresh_token).await.unwrap();
    let third = one.refresh(&second.refresh_token).await.unwrap();
    assert!(two.me(&third.access_token).await.is_ok());

    let mut events = world.listen(&["token.revoked"]).await;
    assert_eq!(
        code(two.refresh(&first.refresh_token).await),
        "auth.refresh_token_invalid"
    );
    let Payload::TokenRevoked(event) = events.next().await else {
        panic!("unexpected event")
    };
    assert!(matches!(event.what, Some(What::SessionId(_))));

    assert_eq!(
        code(one.refresh(&third.refresh_token).await),
        "auth.refresh_token_invalid"
    );
    for token in [&first, &second, &third].map(|session| &session.access_token) {
        assert_eq!(code(two.me(token).await), "auth.token_invalid");
        eventually(TIMEOUT, "the other replica to refuse", async || {
            one.me(token).await.is_err()
        })
        .await
        .unwrap();
    }
    assert!(
        one.me(&other.access_token).await.is_ok(),
        "other sessions continue"
    );
    assert!(one.refresh(&other.refresh_token).await.is_ok());
}

#[tokio::test]
async fn logout_reaches_all_replicas_within_a_second() {
    let world = World::new().await;
    let (one, two) = (world.replica().await, world.replica().await);
    let first = one.register("anna").await;
    let second = one.refresh(&first.refresh_token).await.unwrap();
    let other = one.login("anna", PASSWORD).await.unwrap();
    assert!(two.me(&first.access_token).await.is_ok());
    let mut events = world.listen(&["token.revoked"]).await;

    one.logout(&second.access_token).await.unwrap();
    let at = std::time::Instant::now();
    for token in [&first.access_token, &second.access_token] {
        assert_eq!(code(one.me(token).await), "auth.token_invalid");
        eventually(TIMEOUT, "the other replica to refuse", async || {
            two.me(token).await.is_err()
        })
        .await
        .unwrap();
    }
    assert!(at.elapsed().as_millis() < 1000, "{:?}", at.elapsed());
    assert_eq!(code(one.logout(&second.access_token).await), "auth.token_invalid");
    assert_eq!(
        code(two.refresh(&second.refresh_token).await),
        "auth.refresh_token_invalid"
    );
    assert!(
        two.me(&other.access_token).await.is_ok(),
        "other sessions continue"
    );

    let Payload::TokenRevoked(event) = events.next().await else {
        panic!("unexpected event")
    };
    let Some(What::SessionId(session)) = event.what else {
        panic!("not a session")
    };
    let rows = world
        .sql()
        .await
        .query("SELECT token, kind FROM token_blacklist ORDER BY kind", &[])
        .await
        .unwrap();
    assert_eq!(rows.len(), 2, "the session and the presented token");
    assert_eq!(
        [0, 1].map(|column| rows[0].get::<_, &str>(column)),
        [session.as_str(), "session"]
    );
    assert_eq!(rows[1].get::<_, &str>(1), "token");
}

#[tokio::test]
async fn one_of_many_concurrent_refreshes_succeeds() {
    let world = World::new().await;
    let replicas = [world.replica().await, world.replica().await];
    let session = replicas[0].register("anna").await;
    let tries = (0..8).map(|i| replicas[i % 2].refresh(&session.refresh_token));
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    // The others were reuse, so the session has ended.
    let winner = answers.into_iter().find_map(Result::ok).unwrap();
    assert_eq!(
        code(replicas[0].refresh(&winner.refresh_token).await),
        "auth.refresh_token_invalid"
    );
}

#[tokio::test]
async fn tokens_expire_and_are_pruned() {
    let world = World {
        clock: Clock::manual(Utc::now()),
        ..World::new().await
    };
    let replica = world.replica().await;
    let session = replica.register("anna").await;
    world.clock.advance(chrono::Duration::seconds(900 + 5));
    assert!(
        replica.me(&session.access_token).await.is_ok(),
        "within the leeway"
    );
    world.clock.advance(chrono::Duration::seconds(2));
    assert_eq!(
        code(replica.me(&session.access_token).await),
        "auth.token_expired"
    );

    let next = replica.refresh(&session.refresh_token).await.unwrap();
    world.clock.advance(chrono::Duration::days(30));
    assert_eq!(
        code(replica.refresh(&next.refresh_token).await),
        "auth.refresh_token_invalid"
    );
    world.clock.advance(chrono::Duration::seconds(1));
    let count = async |sql: &tokio_postgres::Client| -> i64 {
        sql.query_one("SELECT count(*) FROM refresh_tokens", &[])
            .await
            .unwrap()
            .get(0)
    };
    let sql = world.sql().await;
    assert_eq!(count(&sql).await, 2);
    auth::inbound::clock::prune(&replica.store, &world.clock)
        .await
        .unwrap();
    assert_eq!(count(&sql).await, 0);
}

#[tokio::test]
async fn malformed_refresh_tokens_are_rejected() {
    let world = World::new().await;
    let replica = world.replica().await;
    let session = replica.register("anna").await;
    for bad in [
        String::new(),
        session.access_token.clone(),
        "x".repeat(1 << 20),
        "\0".to_owned(),
    ] {
        assert_eq!(code(replica.refresh(&bad).await), "auth.refresh_token_invalid");
    }
    assert_eq!(
        code(replica.me(&session.refresh_token).await),
        "auth.token_invalid"
    );
    assert!(
        replica.refresh(&session.refresh_token).await.is_ok(),
        "the valid token still works"
    );
}

#[tokio::test]
async fn key_rotation_keeps_tokens_valid() {
    let old = World::new().await;
    let mut new = World {
        config: old.config.clone(),
        clock: old.clock.clone(),
    };
    new.config.tokens.signing_key = World::new().await.config.tokens.signing_key;
    // Every replica verifies both keys before the new one signs.
    let mut both = old.config.clone();
    both.tokens.signing_keys_previous = Some(new.config.tokens.signing_key.clone());
    new.config.tokens.signing_keys_previous = Some(old.config.tokens.signing_key.clone());

    let (one, two) = (Replica::start(both, old.clock.clone()).await, new.replica().await);
    let old_token = one.register("anna").await;
    let new_token = two.login("anna", PASSWORD).await.unwrap();
    for replica in [&one, &two] {
        for token in [&old_token.access_token, &new_token.access_token] {
            assert!(replica.me(token).await.is_ok());
        }
    }
}
