//! Requests that come twice.

use chrono::{TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use primitives::{IdempotencyKey, IdempotentRequest, UserId};
use storage::idempotency::{MIGRATIONS, claim_key, delete_expired, record_result};
use storage::{AsyncPgConnection, Database};
use tokio::sync::oneshot;

use crate::{SOON, fresh};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] storage::Error),
    #[error(transparent)]
    Diesel(#[from] diesel::result::Error),
    #[error(transparent)]
    Domain(#[from] primitives::Error),
    #[error("changed its mind")]
    Failed,
}

/// A fresh database with the table, and a second pool that looks at the first.
async fn database() -> (Database, Database) {
    let config = fresh().await;
    storage::migrate(&config, &[MIGRATIONS]).await.unwrap();
    (
        Database::connect(&config).unwrap(),
        Database::connect(&config).unwrap(),
    )
}

fn attempt(user: i64, key: &str, said: &str) -> IdempotentRequest {
    let key = IdempotencyKey::parse(key).unwrap();
    IdempotentRequest::new(UserId(user), "thing.create", key, &[said.as_bytes()])
}

/// Makes a thing with this id, unless an earlier attempt has made one. `held` ends before it is noted.
async fn make(
    database: Database,
    attempt: IdempotentRequest,
    id: i64,
    held: impl Future<Output = Result<(), Error>> + Send + 'static,
) -> Result<i64, Error> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let attempt = Some(&attempt);
            if let Some(earlier) = claim_key::<Error>(conn, attempt, Utc::now()).await? {
                return Ok(earlier);
            }
            held.await?;
            record_result(conn, attempt, id).await?;
            Ok(id)
        })
        .await
}

async fn make_now(database: &Database, attempt: IdempotentRequest, id: i64) -> Result<i64, Error> {
    make(database.clone(), attempt, id, async { Ok(()) }).await
}

/// Two tries at once: the second is waiting for the first when that one ends as told.
async fn race(end: Result<(), Error>) -> (Result<i64, Error>, Result<i64, Error>, Database) {
    let (database, looking) = database().await;
    let (claimed, has_claimed) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let held = async move {
        claimed.send(()).unwrap();
        released.await.unwrap()
    };
    let first = tokio::spawn(make(database.clone(), attempt(1, "k", "a"), 10, held));
    has_claimed.await.unwrap();
    let second = async { make_now(&database, attempt(1, "k", "a"), 11).await };
    let letting_go = async {
        let waits = async || waiting(&looking).await;
        stack::eventually(SOON, "the second to wait", waits)
            .await
            .unwrap();
        release.send(end).unwrap();
    };
    let (second, ()) = tokio::join!(second, letting_go);
    (first.await.unwrap(), second, database)
}

/// Whether a statement in this database waits for a lock.
async fn waiting(looking: &Database) -> Result<(), String> {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut conn = looking.get().await.unwrap();
    let found: Waiting = diesel::sql_query(statement).get_result(&mut *conn).await.unwrap();
    (found.count == 1)
        .then_some(())
        .ok_or_else(|| format!("{} wait", found.count))
}

#[tokio::test]
async fn of_two_at_once_the_second_finds_what_the_first_made() {
    let (first, second, database) = race(Ok(())).await;
    assert_eq!((first.unwrap(), second.unwrap()), (10, 10));
    assert_eq!(make_now(&database, attempt(1, "k", "a"), 12).await.unwrap(), 10);
}

#[tokio::test]
async fn one_that_failed_leaves_the_key_to_the_next() {
    let (first, second, database) = race(Err(Error::Failed)).await;
    assert!(matches!(first, Err(Error::Failed)), "{first:?}");
    assert_eq!(second.unwrap(), 11);
    assert_eq!(make_now(&database, attempt(1, "k", "a"), 12).await.unwrap(), 11);
}

#[tokio::test]
async fn a_key_is_one_request_of_one_user_for_a_day() {
    let (database, _) = database().await;
    let now = Utc::now();
    assert_eq!(make_now(&database, attempt(1, "k", "a"), 10).await.unwrap(), 10);
    assert_eq!(make_now(&database, attempt(2, "k", "a"), 20).await.unwrap(), 20);
    match make_now(&database, attempt(1, "k", "b"), 30).await {
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
    assert_eq!(make_now(&database, attempt(1, "k", "b"), 30).await.unwrap(), 30);
}
