//! The migrations go up, down, and up again.

use storage::DatabaseConfig;

#[tokio::test]
async fn down_takes_back_what_up_made() {
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
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        for file in ["down.sql", "up.sql"] {
            client
                .batch_execute(&std::fs::read_to_string(folder.join(file)).unwrap())
                .await
                .unwrap();
        }
    }
}
