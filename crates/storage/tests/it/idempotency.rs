//! Requests that come twice.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::RunQueryDsl;
use domain::{Attempt, IdempotencyKey, UserId};
use storage::idempotency::{MIGRATIONS, forget_old, made_earlier, note_made};
use storage::{AsyncPgConnection, Database};

use crate::{THINGS, fresh};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] storage::Error),
    #[error(transparent)]
    Diesel(#[from] diesel::result::Error),
    #[error(transparent)]
    Domain(#[from] domain::Error),
    #[error("changed its mind")]
    Failed,
}

async fn database() -> Database {
    let config = fresh().await;
    storage::migrate(&config, &[MIGRATIONS, THINGS]).await.unwrap();
    Database::connect(&config).unwrap()
}

fn attempt(user: i64, key: &str, said: &str) -> Attempt {
    let key = IdempotencyKey::parse(key).unwrap();
    Attempt::new(UserId(user), "thing.create", key, &[said.as_bytes()])
}

/// Makes a thing with this id, unless an earlier attempt has made one.
async fn make(database: &Database, attempt: Attempt, id: i64, fails: bool) -> Result<i64, Error> {
    make_at(database, attempt, id, fails, Utc::now()).await
}

async fn make_at(
    database: &Database,
    attempt: Attempt,
    id: i64,
    fails: bool,
    now: DateTime<Utc>,
) -> Result<i64, Error> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            if let Some(earlier) = made_earlier::<Error>(conn, &attempt, now).await? {
                return Ok(earlier);
            }
            // Long enough for the others to come.
            diesel::sql_query("SELECT pg_sleep(0.1)").execute(conn).await?;
            note_made(conn, &attempt, id).await?;
            if fails { Err(Error::Failed) } else { Ok(id) }
        })
        .await
}

#[tokio::test]
async fn of_several_at_once_one_makes_it() {
    let database = database().await;
    let (first, second) = tokio::join!(
        make(&database, attempt(1, "k", "a"), 10, false),
        make(&database, attempt(1, "k", "a"), 11, false)
    );
    let made = first.unwrap();
    assert_eq!(second.unwrap(), made);
    assert_eq!(
        make(&database, attempt(1, "k", "a"), 12, false).await.unwrap(),
        made
    );
}

#[tokio::test]
async fn one_that_failed_leaves_the_key_to_the_next() {
    let database = database().await;
    let (failed, waited) = tokio::join!(
        make(&database, attempt(1, "k", "a"), 10, true),
        make(&database, attempt(1, "k", "a"), 11, false)
    );
    assert!(matches!(failed, Err(Error::Failed)) || failed.is_ok_and(|id| id == 11));
    assert_eq!(waited.unwrap(), 11);
}

#[tokio::test]
async fn a_key_is_one_request_of_one_user_for_a_day() {
    let database = database().await;
    let now = Utc::now();
    assert_eq!(
        make(&database, attempt(1, "k", "a"), 10, false).await.unwrap(),
        10
    );
    assert_eq!(
        make(&database, attempt(2, "k", "a"), 20, false).await.unwrap(),
        20
    );
    match make(&database, attempt(1, "k", "b"), 30, false).await {
        Err(Error::Domain(error)) => assert_eq!(error.code, "request.idempotency_key_reused"),
        other => panic!("{other:?}"),
    }
    assert_eq!(forget_old(&database, now).await.unwrap(), 0);
    assert_eq!(
        forget_old(&database, now + TimeDelta::hours(25)).await.unwrap(),
        2
    );
    assert_eq!(
        make(&database, attempt(1, "k", "b"), 30, false).await.unwrap(),
        30
    );
}
