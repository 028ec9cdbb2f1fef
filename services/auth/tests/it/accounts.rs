//! Usernames, profiles, and the snapshot for other services.

use proto::CallContext;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{GetProfileRequest, GetUsersRequest, RegisterRequest, SnapshotRequest};
use std::time::Duration;

use identity::ServiceName;
use primitives::ErrorKind;

use crate::world::{PASSWORD, World, code, result, user};

#[tokio::test]
async fn usernames_are_unique_ignoring_case() {
    let world = World::new().await;
    let replicas = [world.replica().await, world.replica().await];
    replicas[0].register("Anna").await;
    for name in ["Anna", "anna", "ANNA", "ａｎｎａ"] {
        let error = replicas[1].try_register(name).await.unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_ref()),
            (ErrorKind::Conflict, "user.username_taken"),
            "{name}"
        );
    }
    let tries = (0..6).map(|i| replicas[i % 2].try_register(if i < 3 { "Bert" } else { "bert" }));
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
}

#[tokio::test]
async fn registration_validates_fields() {
    let world = World::new().await;
    let replica = world.replica().await;
    let register = async |username: &str, password: &str, display_name: Option<&str>| {
        let request = RegisterRequest {
            username: username.to_owned(),
            password: password.to_owned(),
            display_name: display_name.map(str::to_owned),
        };
        result(replica.call(None).register(request).await)
    };
    for name in [
        "",
        "ab",
        "admin",
        "API",
        "null",
        ".",
        "a b c",
        "аnna",
        "nul\0l",
        &"x".repeat(26),
        &"x".repeat(100_000),
    ] {
        let error = register(name, PASSWORD, None).await.unwrap_err();
        assert_eq!(
            (error.kind, error.fields[0].path.as_ref()),
            (ErrorKind::Invalid, "username"),
            "{name:.30}"
        );
    }
    for password in ["", "x", "1234567", &"x".repeat(1025), &"x".repeat(1 << 20)] {
        let error = register("anna", password, None).await.unwrap_err();
        assert_eq!(
            (error.kind, error.fields[0].path.as_ref()),
            (ErrorKind::Invalid, "password")
        );
    }
    assert_eq!(
        register("anna", PASSWORD, Some("a\u{202E}b"))
            .await
            .unwrap_err()
            .fields[0]
            .path,
        "displayName"
    );

    let long = "p".repeat(73);
    assert_eq!(
        user(&register("anna", &long, Some(" Änna 👩‍👩‍👧 ")).await.unwrap()).display_name,
        "Änna 👩‍👩‍👧"
    );
    assert_eq!(
        code(replica.login("anna", &long[..72]).await),
        "auth.invalid_credentials"
    );
    assert!(replica.login("anna", &long).await.is_ok());
}

#[tokio::test]
async fn profile_has_counts_and_follow_state() {
    let world = World::new().await;
    let replica = world.replica().await;
    let (anna, bert) = (replica.register("Anna").await, replica.register("bert").await);
    replica.follow(&bert.access_token, user(&anna).id).await.unwrap();
    let profile = async |name: &str, viewer: Option<&str>| {
        let answer = replica
            .call(viewer)
            .get_profile(GetProfileRequest {
                username: name.to_owned(),
            })
            .await;
        result(answer).map(|p| {
            (
                p.user.unwrap().username,
                p.followers_count,
                p.following_count,
                p.is_following,
            )
        })
    };
    assert_eq!(
        profile("anna", None).await.unwrap(),
        ("Anna".to_owned(), 1, 0, None)
    );
    assert_eq!(
        profile("ANNA", Some(&bert.access_token)).await.unwrap(),
        ("Anna".to_owned(), 1, 0, Some(true))
    );
    assert_eq!(
        profile("bert", Some(&anna.access_token)).await.unwrap(),
        ("bert".to_owned(), 0, 1, Some(false))
    );
    for nobody in ["clara", "", "a\0b", &"x".repeat(10_000)] {
        assert_eq!(code(profile(nobody, None).await), "user.not_found");
    }
}

#[tokio::test]
async fn services_read_summaries_and_snapshots() {
    let world = World::new().await;
    let replica = world.replica().await;
    let mut ids = Vec::new();
    for name in ["anna", "bert", "clara"] {
        ids.push(user(&replica.register(name).await).id);
    }
    let context = CallContext::background(Duration::from_secs(5));
    let stream = || AuthServiceClient::new(replica.peer(ServiceName::Stream).with(&context));
    let asked = vec![ids[2], i64::MAX, ids[0], -1, ids[0]];
    let users = result(stream().get_users(GetUsersRequest { ids: asked }).await)
        .unwrap()
        .users;
    let names: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["anna", "clara"]);
    let many = GetUsersRequest { ids: vec![1; 101] };
    assert_eq!(code(result(stream().get_users(many).await)), "request.invalid");

    let mut seen = Vec::new();
    loop {
        let after_user_id = seen.last().copied().unwrap_or(0);
        let page = result(
            stream()
                .snapshot(SnapshotRequest {
                    after_user_id,
                    limit: 2,
                })
                .await,
        )
        .unwrap();
        if page.owners.is_empty() {
            break;
        }
        assert!(
            page.owners
                .iter()
                .all(|owner| owner.version == 1 && !owner.banned)
        );
        seen.extend(page.owners.iter().map(|owner| owner.id));
    }
    assert_eq!(seen, ids);
    for limit in [0, 1001] {
        let request = SnapshotRequest {
            after_user_id: 0,
            limit,
        };
        assert_eq!(code(result(stream().snapshot(request).await)), "request.invalid");
    }
}

#[tokio::test]
async fn database_contains_no_secrets() {
    let world = World::new().await;
    let replica = world.replica().await;
    let session = replica.register("anna").await;
    let next = replica.refresh(&session.refresh_token).await.unwrap();
    replica.logout(&next.access_token).await.unwrap();
    let sql = world.sql().await;
    let mut dump = String::new();
    for table in ["users", "refresh_tokens", "token_blacklist", "outbox", "inbox"] {
        for row in sql
            .query(&format!("SELECT row_to_json(t)::text FROM {table} t"), &[])
            .await
            .unwrap()
        {
            dump.push_str(row.get(0));
        }
    }
    assert!(dump.contains("$argon2id$"));
    let tokens = [&session, &next]
        .map(|s| [&s.access_token, &s.refresh_token])
        .concat();
    for secret in tokens.into_iter().map(String::as_str).chain([PASSWORD]) {
        assert!(!dump.contains(secret));
    }
}
