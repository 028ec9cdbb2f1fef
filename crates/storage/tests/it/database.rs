//! The PostgreSQL pool.

use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::{Database, DatabaseConfig, Error};
use tokio::time::timeout;

use crate::{TIMEOUT, database, migrated, silent_server};

type Result<T> = std::result::Result<T, Failure>;

/// Like the error of a service.
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
    diesel::sql_query("INSERT INTO widgets VALUES ($1, $2)")
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

const WIDGETS: &str = "(SELECT count(*) FROM widgets)";

#[tokio::test]
async fn dropped_transaction_commits_and_keeps_its_connection() {
    let database = database().await;
    let mut before = backends(&database).await;
    for id in 0..20 {
        let work = database.transaction(async move |conn| -> Result<()> {
            insert(conn, id, &format!("dropped {id}")).await?;
            execute(conn, "SELECT pg_sleep(0.02)").await?;
            Ok(())
        });
        let _ = timeout(Duration::from_millis(5), work).await;
    }
    let all = stack::eventually(TIMEOUT, "all writes", async || {
        number(&database, WIDGETS).await == 20
    });
    all.await.unwrap();
    let mut after = backends(&database).await;
    before.sort_unstable();
    after.sort_unstable();
    assert_eq!(before, after, "the pool replaced connections");
}

/// Returns the server's process ids of both connections of the pool.
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
async fn dropped_transaction_rolls_back_on_error() {
    let config = migrated().await;
    let database = Database::connect(&config).unwrap();
    let (enter, entered) = tokio::sync::oneshot::channel();
    let (caller, caller_left) = tokio::sync::oneshot::channel::<()>();
    let work = database.transaction(async move |conn| -> Result<()> {
        insert(conn, 1, "half").await?;
        let _ = enter.send(());
        let _ = caller_left.await;
        Err(Failure::Refused)
    });
    tokio::select! {
        _ = work => panic!("the transaction ended early"),
        _ = entered => {}
    }
    drop(caller);
    // Waits for the running transaction.
    database.close().await;
    let again = Database::connect(&config).unwrap();
    assert_eq!(number(&again, WIDGETS).await, 0);
}

#[tokio::test]
async fn error_or_panic_rolls_back() {
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
    assert_eq!(number(&database, WIDGETS).await, 0);
}

#[tokio::test]
async fn unique_violation_names_the_constraint() {
    let database = database().await;
    let duplicate = database.transaction(async |conn| -> Result<()> {
        insert(conn, 1, "same").await?;
        insert(conn, 2, "same").await?;
        Ok(())
    });
    match duplicate.await {
        Err(Failure::Store(error)) => assert!(error.is_unique_violation("widgets_name_key"), "{error:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn slow_statement_times_out() {
    let database = database().await;
    for (setting, statement) in [
        ("SET LOCAL statement_timeout = 50", "SELECT pg_sleep(10)"),
        ("SET LOCAL lock_timeout = 50", "LOCK TABLE widgets"),
    ] {
        let mut other = database.get().await.unwrap();
        execute(&mut other, "BEGIN").await.unwrap();
        execute(&mut other, "LOCK TABLE widgets").await.unwrap();
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
async fn server_enforces_time_limits() {
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
async fn exhausted_pool_is_unavailable_after_a_second() {
    let database = database().await;
    let _borrowed = (database.get().await.unwrap(), database.get().await.unwrap());
    let started = Instant::now();
    let refused = database.get().await.err();
    assert!(matches!(refused, Some(Error::Unavailable(_))), "{refused:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn connections_that_the_server_closed_are_replaced() {
    let config = migrated().await;
    let database = Database::connect(&config).unwrap();
    let pids = backends(&database).await;
    let mut administrator = Database::connect(&config).unwrap().get().await.unwrap();
    for pid in pids {
        execute(&mut administrator, &format!("SELECT pg_terminate_backend({pid})"))
            .await
            .unwrap();
    }
    // Recently used connections are not checked first, so a read may fail before they are replaced.
    stack::eventually(TIMEOUT, "two new connections", async || {
        futures::try_join!(database.ping(), database.ping())
    })
    .await
    .unwrap();
    assert_eq!(number(&database, WIDGETS).await, 0);
}

#[tokio::test]
async fn transaction_on_a_closed_connection_is_unavailable() {
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
    assert_eq!(number(&database, WIDGETS).await, 0);
}

#[tokio::test]
async fn unreachable_or_silent_server_is_unavailable_within_seconds() {
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
async fn invalid_url_is_a_configuration_error_without_the_url() {
    let wrong = Database::connect(&DatabaseConfig::new("postgres://u:hunter2@host:notaport/x"));
    match wrong {
        Err(Error::Config(message)) => assert!(!message.contains("hunter2")),
        other => panic!("{other:?}"),
    }
}
