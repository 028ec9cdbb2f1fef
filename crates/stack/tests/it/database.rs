use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn make_table(url: String) -> Result<()> {
    let client = connect(&url).await;
    client
        .batch_execute("CREATE TABLE things (id int); INSERT INTO things VALUES (1)")
        .await?;
    Ok(())
}

async fn things(url: &str) -> i64 {
    connect(url)
        .await
        .query_one("SELECT count(*) FROM things", &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn a_database_is_a_fresh_copy_of_a_template_that_is_made_once() {
    let stack = stack::shared().await.unwrap();
    let key = stack::secret::unique();
    let migrations = AtomicUsize::new(0);
    let migrate = async |url| {
        migrations.fetch_add(1, Ordering::Relaxed);
        make_table(url).await
    };
    let (one, two) = futures::try_join!(
        stack.database_from("example", &key, &migrate),
        stack.database_from("example", &key, &migrate)
    )
    .unwrap();
    assert_eq!(migrations.load(Ordering::Relaxed), 1);
    assert_ne!(one, two);
    connect(&one)
        .await
        .batch_execute("INSERT INTO things VALUES (2)")
        .await
        .unwrap();
    assert_eq!(things(&one).await, 2);
    assert_eq!(things(&two).await, 1);
    let three = stack.database_from("example", &key, &migrate).await.unwrap();
    assert_eq!(things(&three).await, 1);
    assert_eq!(migrations.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_migration_that_fails_leaves_no_template() {
    let stack = stack::shared().await.unwrap();
    let key = stack::secret::unique();
    let fail = async |url| {
        make_table(url).await?;
        anyhow::bail!("failed on purpose")
    };
    let error = stack.database_from("example", &key, fail).await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "cannot migrate the template: failed on purpose"
    );
    let database = stack.database_from("example", &key, make_table).await.unwrap();
    assert_eq!(things(&database).await, 1);
}

#[tokio::test]
async fn an_empty_database_is_empty_and_its_own() {
    let stack = stack::shared().await.unwrap();
    let (one, two) = (
        stack.empty_database("example").await.unwrap(),
        stack.empty_database("example").await.unwrap(),
    );
    make_table(one).await.unwrap();
    make_table(two).await.unwrap();
}
