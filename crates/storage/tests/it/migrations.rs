//! Migrations that start at once, twice, or fail.

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use storage::{Database, DatabaseConfig, Error, migrate};

use crate::{SOON, THINGS, fresh};

const BROKEN: EmbeddedMigrations = embed_migrations!("tests/broken_migrations");

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let config = fresh().await;
    let mut replicas = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let config = config.clone();
        replicas.spawn(async move { migrate(&config, &[THINGS]).await });
    }
    for result in replicas.join_all().await {
        result.unwrap();
    }
    Database::connect(&config).unwrap().ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_migrated_is_left_alone() {
    let config = fresh().await;
    migrate(&config, &[THINGS]).await.unwrap();
    migrate(&config, &[THINGS]).await.unwrap();
}

#[tokio::test]
async fn a_migration_that_fails_says_so_and_lets_the_lock_go() {
    let config = fresh().await;
    let failed = migrate(&config, &[BROKEN]).await;
    match &failed {
        Err(Error::Other(message)) => assert!(message.contains("no_such_type"), "{message}"),
        other => panic!("{other:?}"),
    }
    tokio::time::timeout(SOON, migrate(&config, &[THINGS]))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn two_migrations_with_one_version_are_refused() {
    let config = fresh().await;
    let refused = migrate(&config, &[THINGS, BROKEN]).await;
    assert!(matches!(refused, Err(Error::Other(_))), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let away = migrate(
        &DatabaseConfig::new("postgres://airwave@127.0.0.1:1/none"),
        &[THINGS],
    )
    .await;
    assert!(matches!(away, Err(Error::Unavailable(_))), "{away:?}");
}
