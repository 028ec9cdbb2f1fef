//! The pool and its transactions.

use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::{Database, DatabaseConfig, Error};
use tokio::time::timeout;

use crate::{SOON, database, migrated, silent_server};

type Result<T> = std::result::Result<T, Failure>;

/// What a service's own error looks like.
#[derive(Debug)]
enum Failure {
    Store(Error),
    Refused,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

async fn insert(conn: &mut AsyncPgConnection, id: i64, name: &str) -> diesel::QueryResult<usize> {
    diesel::sql_query("INSERT INTO things VALUES ($1, $2)")
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(name)
        .execute(conn)
        .await
}

async fn execute(conn: &mut AsyncPgConnection, sql: &str) -> diesel::QueryResult<usize> {
    diesel::sql_query(sql.to_owned()).execute(conn).await
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

async fn number(database: &Database, expression: &str) -> i64 {
    let sql = format!("SELECT {expression} AS number");
    let read = database.read(async move |conn| -> Result<i64> {
        Ok(diesel::sql_query(sql).get_result::<Number>(conn).await?.number)
    });
    read.await.unwrap()
}

const THINGS: &str = "(SELECT count(*) FROM things)";

#[tokio::test]
async fn a_caller_that_leaves_costs_neither_the_write_nor_a_connection() {
    let database = database().await;
    let mut before = backends(&database).await;
    for id in 0..20 {
        let work = database.transaction(async move |conn| -> Result<()> {
            insert(conn, id, &format!("left {id}")).await?;
            execute(conn, "SELECT pg_sleep(0.02)").await?;
            Ok(())
        });
        let _ = timeout(Duration::from_millis(5), work).await;
    }
    let all = stack::eventually(SOON, "all writes", async || number(&database, THINGS).await == 20);
    all.await.unwrap();
    let mut after = backends(&database).await;
    before.sort_unstable();
    after.sort_unstable();
    assert_eq!(before, after, "connections were thrown away");
}

/// The process ids of both of the pool's connections.
async fn backends(database: &Database) -> [i64; 2] {
    #[derive(diesel::QueryableByName)]
    struct Pid {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }
    let (mut one, mut other) = (database.get().await.unwrap(), database.get().await.unwrap());
    let query = "SELECT pg_backend_pid() AS pid";
    let one: Pid = diesel::sql_query(query).get_result(&mut one).await.unwrap();
    let other: Pid = diesel::sql_query(query).get_result(&mut other).await.unwrap();
    [i64::from(one.pid), i64::from(other.pid)]
}

#[tokio::test]
async fn a_caller_that_leaves_before_a_refusal_leaves_nothing() {
    let config = migrated().await;
    let database = Database::connect(&config).unwrap();
    let (inside, entered) = tokio::sync::oneshot::channel();
    let (here, left) = tokio::sync::oneshot::channel::<()>();
    let work = database.transaction(async move |conn| -> Result<()> {
        insert(conn, 1, "half").await?;
        let _ = inside.send(());
        let _ = left.await;
        Err(Failure::Refused)
    });
    tokio::select! {
        _ = work => panic!("it should still be at work"),
        _ = entered => {}
    }
    drop(here);
    // Waits for what still runs.
    database.close().await;
    let again = Database::connect(&config).unwrap();
    assert_eq!(number(&again, THINGS).await, 0);
}

#[tokio::test]
async fn an_error_or_a_panic_rolls_back() {
    let database = database().await;
    let refused = database.transaction(async |conn| -> Result<()> {
        insert(conn, 1, "refused").await?;
        Err(Failure::Refused)
    });
    assert!(matches!(refused.await, Err(Failure::Refused)));
    let panicked = database.transaction(async |conn| -> Result<()> {
        insert(conn, 2, "panicked").await?;
        panic!("on purpose");
    });
    assert!(matches!(panicked.await, Err(Failure::Store(Error::Other(_)))));
    assert_eq!(number(&database, THINGS).await, 0);
}

#[tokio::test]
async fn a_unique_violation_names_its_constraint() {
    let database = database().await;
    let twice = database.transaction(async |conn| -> Result<()> {
        insert(conn, 1, "same").await?;
        insert(conn, 2, "same").await?;
        Ok(())
    });
    match twice.await {
        Err(Failure::Store(error)) => assert!(error.is_unique_violation("things_name_key"), "{error:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_takes_too_long_is_a_timeout() {
    let database = database().await;
    for (setting, statement) in [
        ("SET LOCAL statement_timeout = 50", "SELECT pg_sleep(10)"),
        ("SET LOCAL lock_timeout = 50", "LOCK TABLE things"),
    ] {
        let mut other = database.get().await.unwrap();
        execute(&mut other, "BEGIN").await.unwrap();
        execute(&mut other, "LOCK TABLE things").await.unwrap();
        let slow = database.transaction(async move |conn| -> Result<()> {
            execute(conn, setting).await?;
            execute(conn, statement).await?;
            Ok(())
        });
        let slow = slow.await;
        assert!(
            matches!(slow, Err(Failure::Store(Error::Timeout(_)))),
            "{statement}: {slow:?}"
        );
        execute(&mut other, "ROLLBACK").await.unwrap();
    }
}

#[tokio::test]
async fn the_server_knows_the_limits() {
    let database = database().await;
    let seconds = |name: &str| format!("extract(epoch FROM current_setting('{name}')::interval)::bigint");
    assert_eq!(number(&database, &seconds("statement_timeout")).await, 5);
    assert_eq!(number(&database, &seconds("lock_timeout")).await, 2);
    assert_eq!(
        number(&database, &seconds("idle_in_transaction_session_timeout")).await,
        10
    );
}

#[tokio::test]
async fn an_exhausted_pool_is_unavailable_after_a_second() {
    let database = database().await;
    let _held = (database.get().await.unwrap(), database.get().await.unwrap());
    let started = Instant::now();
    let refused = database.get().await.err();
    assert!(matches!(refused, Some(Error::Unavailable(_))), "{refused:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn connections_that_the_server_ended_are_replaced() {
    let config = migrated().await;
    let database = Database::connect(&config).unwrap();
    let pids = backends(&database).await;
    let mut administrator = Database::connect(&config).unwrap().get().await.unwrap();
    for pid in pids {
        execute(&mut administrator, &format!("SELECT pg_terminate_backend({pid})"))
            .await
            .unwrap();
    }
    // Those that were used a moment ago are not asked first, so a read may be what notices the end.
    stack::eventually(SOON, "two fresh connections", async || {
        futures::try_join!(database.ping(), database.ping())
    })
    .await
    .unwrap();
    assert_eq!(number(&database, THINGS).await, 0);
}

#[tokio::test]
async fn a_transaction_whose_connection_is_ended_is_unavailable() {
    let database = database().await;
    let ended = database.transaction(async |conn| -> Result<()> {
        execute(conn, "SELECT pg_terminate_backend(pg_backend_pid())").await?;
        Ok(())
    });
    let ended = ended.await;
    assert!(
        matches!(ended, Err(Failure::Store(Error::Unavailable(_)))),
        "{ended:?}"
    );
    assert_eq!(number(&database, THINGS).await, 0);
}

#[tokio::test]
async fn a_server_that_is_away_or_silent_is_unavailable_soon() {
    let (_listener, silent) = silent_server().await;
    for port in [1, silent] {
        let config = DatabaseConfig::new(format!("postgres://airwave:secret@127.0.0.1:{port}/none"));
        let database = Database::connect(&config).unwrap();
        let started = Instant::now();
        let answer = database.ping().await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn a_url_that_is_none_is_a_configuration_error_without_the_url() {
    let wrong = Database::connect(&DatabaseConfig::new("postgres://u:hunter2@host:notaport/x"));
    match wrong {
        Err(Error::Config(message)) => assert!(!message.contains("hunter2")),
        other => panic!("{other:?}"),
    }
}
