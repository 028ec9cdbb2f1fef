use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn create_table(url: String) -> Result<()> {
    let client = connect(&url).await;
    client
        .batch_execute("CREATE TABLE items (id int); INSERT INTO items VALUES (1)")
        .await?;
    Ok(())
}

async fn items(url: &str) -> i64 {
    connect(url)
        .await
        .query_one("SELECT count(*) FROM items", &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn databases_are_copies_of_one_template() {
    let stack = stack::shared().await.unwrap();
    let key = stack::secret::unique();
    let migrations = AtomicUsize::new(0);
    let migrate = async |url| {
        migrations.fetch_add(1, Ordering::Relaxed);
        create_table(url).await
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
        .batch_execute("INSERT INTO items VALUES (2)")
        .await
        .unwrap();
    assert_eq!(items(&one).await, 2);
    assert_eq!(items(&two).await, 1);
    let three = stack.database_from("example", &key, &migrate).await.unwrap();
    assert_eq!(items(&three).await, 1);
    assert_eq!(migrations.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn failed_migration_leaves_no_template() {
    let stack = stack::shared().await.unwrap();
    let key = stack::secret::unique();
    let fail = async |url| {
        create_table(url).await?;
        anyhow::bail!("failed on purpose")
    };
    let error = stack.database_from("example", &key, fail).await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "cannot migrate the template: failed on purpose"
    );
    let database = stack.database_from("example", &key, create_table).await.unwrap();
    assert_eq!(items(&database).await, 1);
}

#[tokio::test]
async fn empty_databases_are_independent() {
    let stack = stack::shared().await.unwrap();
    let (one, two) = (
        stack.empty_database("example").await.unwrap(),
        stack.empty_database("example").await.unwrap(),
    );
    create_table(one).await.unwrap();
    create_table(two).await.unwrap();
}
