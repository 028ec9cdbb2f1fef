//! Concurrent, repeated and failing migrations.

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use storage::{Database, DatabaseConfig, Error, migrate};

use crate::{TIMEOUT, WIDGETS, fresh};

const BROKEN: EmbeddedMigrations = embed_migrations!("tests/broken_migrations");

#[tokio::test]
async fn concurrent_replicas_migrate_once() {
    let config = fresh().await;
    let mut replicas = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let config = config.clone();
        replicas.spawn(async move { migrate(&config, &[WIDGETS]).await });
    }
    for result in replicas.join_all().await {
        result.unwrap();
    }
    Database::connect(&config).unwrap().ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_migrations_are_skipped() {
    let config = fresh().await;
    migrate(&config, &[WIDGETS]).await.unwrap();
    migrate(&config, &[WIDGETS]).await.unwrap();
}

#[tokio::test]
async fn failed_migration_reports_its_error_and_releases_the_lock() {
    let config = fresh().await;
    let failed = migrate(&config, &[BROKEN]).await;
    match &failed {
        Err(Error::Other(message)) => assert!(message.contains("no_such_type"), "{message}"),
        other => panic!("{other:?}"),
    }
    tokio::time::timeout(TIMEOUT, migrate(&config, &[WIDGETS]))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn equal_versions_are_rejected() {
    let config = fresh().await;
    let refused = migrate(&config, &[WIDGETS, BROKEN]).await;
    assert!(matches!(refused, Err(Error::Other(_))), "{refused:?}");
}

#[tokio::test]
async fn unreachable_server_is_unavailable() {
    let away = migrate(
        &DatabaseConfig::new("postgres://airwave@127.0.0.1:1/none"),
        &[WIDGETS],
    )
    .await;
    assert!(matches!(away, Err(Error::Unavailable(_))), "{away:?}");
}
