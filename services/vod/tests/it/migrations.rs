//! Every migration can be reverted and applied again.

use storage::DatabaseConfig;

#[tokio::test]
async fn down_reverts_up() {
    let stack = stack::shared().await.unwrap();
    let url = stack.empty_database("vod_migrations").await.unwrap();
    storage::migrate(&DatabaseConfig::new(&*url), vod::MIGRATIONS)
        .await
        .unwrap();
    storage::migrate(&DatabaseConfig::new(&*url), vod::MIGRATIONS)
        .await
        .unwrap();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut folders: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let down = folders.iter().rev().map(|folder| folder.join("down.sql"));
    let up = folders.iter().map(|folder| folder.join("up.sql"));
    for file in down.chain(up) {
        let statements = std::fs::read_to_string(file).unwrap();
        client.batch_execute(&statements).await.unwrap();
    }
}
