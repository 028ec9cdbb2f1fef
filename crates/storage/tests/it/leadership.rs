//! Leader election, and notifications.

use diesel_async::RunQueryDsl;
use storage::{Database, Leadership, listen, notify};
use tokio::time::timeout;

use crate::{TIMEOUT, database};

async fn execute(database: &Database, sql: &str) {
    let mut conn = database.get().await.unwrap();
    diesel::sql_query(sql.to_owned())
        .execute(&mut conn)
        .await
        .unwrap();
}

async fn notify_widgets(database: &Database) {
    let mut conn = database.get().await.unwrap();
    notify(&mut conn, "widgets").await.unwrap();
}

#[tokio::test]
async fn one_candidate_leads_until_it_resigns() {
    let database = database().await;
    let mut first = Leadership::new(&database, "work");
    let mut second = Leadership::new(&database, "work");
    let mut elsewhere = Leadership::new(&database, "other work");
    assert!(first.is_leader().await);
    assert!(!second.is_leader().await);
    assert!(elsewhere.is_leader().await);
    assert!(first.is_leader().await);
    first.resign().await;
    let taken = stack::eventually(TIMEOUT, "the second to lead", async || second.is_leader().await);
    taken.await.unwrap();
    assert!(!first.is_leader().await);
}

#[tokio::test]
async fn lost_connection_ends_leadership() {
    let database = database().await;
    let mut first = Leadership::new(&database, "work");
    let mut second = Leadership::new(&database, "work");
    assert!(first.is_leader().await);
    execute(
        &database,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = \
             (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .await;
    let taken = stack::eventually(TIMEOUT, "the second to lead", async || second.is_leader().await);
    taken.await.unwrap();
    assert!(!first.is_leader().await, "two replicas lead");
}

#[tokio::test]
async fn notification_and_reconnection_wake_the_listener() {
    let database = database().await;
    let listener = listen(&database, "widgets");
    timeout(TIMEOUT, listener.notified()).await.unwrap();
    notify_widgets(&database).await;
    timeout(TIMEOUT, listener.notified()).await.unwrap();
    execute(
        &database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN \"widgets\"' \
             AND datname = current_database()",
    )
    .await;
    timeout(TIMEOUT, listener.notified()).await.unwrap();
    notify_widgets(&database).await;
    timeout(TIMEOUT, listener.notified()).await.unwrap();
}
