//! Every migration can be reverted and applied again.

use diesel_async::SimpleAsyncConnection;

use crate::world::World;

#[tokio::test]
async fn down_reverts_up() {
    let world = World::new().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut folders: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let down = folders.iter().rev().map(|folder| folder.join("down.sql"));
    let up = folders.iter().map(|folder| folder.join("up.sql"));
    let statements: String = down
        .chain(up)
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let run = async move |conn: &mut diesel_async::AsyncPgConnection| {
        Ok::<_, storage::Error>(conn.batch_execute(&statements).await?)
    };
    world.database.transaction(run).await.unwrap();
    world
        .sql("INSERT INTO pending_deletions (key, due_at) VALUES ('k', now())")
        .await;
}
