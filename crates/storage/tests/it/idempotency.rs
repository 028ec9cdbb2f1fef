//! Retries of creating requests.

use chrono::{TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use primitives::{IdempotencyKey, IdempotentRequest, UserId};
use storage::idempotency::{MIGRATIONS, claim_key, delete_expired, record_result};
use storage::{AsyncPgConnection, Database};
use tokio::sync::oneshot;

use crate::{TIMEOUT, fresh};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] storage::Error),
    #[error(transparent)]
    Diesel(#[from] diesel::result::Error),
    #[error(transparent)]
    Domain(#[from] primitives::Error),
    #[error("failed on purpose")]
    Failed,
}

/// Creates a database with the table, and returns two pools, the second for observing the first.
async fn database() -> (Database, Database) {
    let config = fresh().await;
    storage::migrate(&config, &[MIGRATIONS]).await.unwrap();
    (
        Database::connect(&config).unwrap(),
        Database::connect(&config).unwrap(),
    )
}

fn request(user: i64, key: &str, content: &str) -> IdempotentRequest {
    let key = IdempotencyKey::parse(key).unwrap();
    IdempotentRequest::new(UserId(user), "widget.create", key, &[content.as_bytes()])
}

/// Creates a widget with this id, unless an earlier request created one. Awaits `pause` before it records the
/// id.
async fn create(
    database: Database,
    request: IdempotentRequest,
    id: i64,
    pause: impl Future<Output = Result<(), Error>> + Send + 'static,
) -> Result<i64, Error> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let request = Some(&request);
            if let Some(earlier) = claim_key::<Error>(conn, request, Utc::now()).await? {
                return Ok(earlier);
            }
            pause.await?;
            record_result(conn, request, id).await?;
            Ok(id)
        })
        .await
}

async fn create_now(database: &Database, request: IdempotentRequest, id: i64) -> Result<i64, Error> {
    create(database.clone(), request, id, async { Ok(()) }).await
}

/// Runs two requests concurrently: the second is waiting for the first when that one ends with `end`.
async fn race(end: Result<(), Error>) -> (Result<i64, Error>, Result<i64, Error>, Database) {
    let (database, observer) = database().await;
    let (claim, claimed) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let pause = async move {
        claim.send(()).unwrap();
        released.await.unwrap()
    };
    let first = tokio::spawn(create(database.clone(), request(1, "k", "a"), 10, pause));
    claimed.await.unwrap();
    let second = async { create_now(&database, request(1, "k", "a"), 11).await };
    let unblock = async {
        let waits = async || waiting(&observer).await;
        stack::eventually(TIMEOUT, "the second to wait", waits)
            .await
            .unwrap();
        release.send(end).unwrap();
    };
    let (second, ()) = tokio::join!(second, unblock);
    (first.await.unwrap(), second, database)
}

/// Checks that a statement in this database waits for a lock.
async fn waiting(observer: &Database) -> Result<(), String> {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let statement = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut conn = observer.get().await.unwrap();
    let found: Waiting = diesel::sql_query(statement).get_result(&mut *conn).await.unwrap();
    (found.count == 1)
        .then_some(())
        .ok_or_else(|| format!("{} wait", found.count))
}

#[tokio::test]
async fn concurrent_retry_finds_the_created_id() {
    let (first, second, database) = race(Ok(())).await;
    assert_eq!((first.unwrap(), second.unwrap()), (10, 10));
    assert_eq!(create_now(&database, request(1, "k", "a"), 12).await.unwrap(), 10);
}

#[tokio::test]
async fn failed_request_releases_the_key() {
    let (first, second, database) = race(Err(Error::Failed)).await;
    assert!(matches!(first, Err(Error::Failed)), "{first:?}");
    assert_eq!(second.unwrap(), 11);
    assert_eq!(create_now(&database, request(1, "k", "a"), 12).await.unwrap(), 11);
}

#[tokio::test]
async fn key_belongs_to_one_user_and_expires_after_a_day() {
    let (database, _) = database().await;
    let now = Utc::now();
    assert_eq!(create_now(&database, request(1, "k", "a"), 10).await.unwrap(), 10);
    assert_eq!(create_now(&database, request(2, "k", "a"), 20).await.unwrap(), 20);
    match create_now(&database, request(1, "k", "b"), 30).await {
        Err(Error::Domain(error)) => assert_eq!(error.code, "request.idempotency_key_reused"),
        other => panic!("{other:?}"),
    }
    assert_eq!(delete_expired(&database, now).await.unwrap(), 0);
    assert_eq!(
        delete_expired(&database, now + TimeDelta::hours(25))
            .await
            .unwrap(),
        2
    );
    assert_eq!(create_now(&database, request(1, "k", "b"), 30).await.unwrap(), 30);
}
