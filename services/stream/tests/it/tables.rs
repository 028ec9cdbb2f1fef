//! Migrations, and constraints of the tables.

use crate::world::World;

const COLUMNS: &str = "SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, E'\\n' \
    ORDER BY table_name, column_name) \
                       FROM information_schema.columns WHERE table_schema = 'public'";

#[tokio::test(flavor = "multi_thread")]
async fn migrations_revert_and_reapply() {
    let world = World::new().await;
    let sql = world.sql().await;
    // Nothing else may use the tables meanwhile.
    world.replica.stop().await.unwrap();
    let columns = async || sql.query_one(COLUMNS, &[]).await.unwrap().get::<_, String>(0);
    let before = columns().await;
    for statements in [
        include_str!("../../migrations/2026-11-23-100000_search/down.sql"),
        include_str!("../../migrations/2026-11-22-110100_seed_categories/down.sql"),
        include_str!("../../migrations/2026-11-22-110000_create_streams/down.sql"),
    ] {
        sql.batch_execute(statements).await.unwrap();
    }
    assert!(!columns().await.contains("streams."));
    for statements in [
        include_str!("../../migrations/2026-11-22-110000_create_streams/up.sql"),
        include_str!("../../migrations/2026-11-22-110100_seed_categories/up.sql"),
        include_str!("../../migrations/2026-11-23-100000_search/up.sql"),
    ] {
        sql.batch_execute(statements).await.unwrap();
    }
    assert_eq!(before, columns().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_reject_invalid_rows() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    let sql = world.sql().await;
    let broadcast = format!(
        "INSERT INTO broadcasts (stream_id, user_id, title, description, state, started_at) \
         VALUES ({id}, 7, 'x', '', 'live', now())"
    );
    let publish = |client: i64, state: &str| {
        format!(
            "INSERT INTO publishes (stream_id, user_id, node, boot_id, client_id, playback_name, \
             key_fingerprint, state, accepted_at, seen_at, grew_at) \
             VALUES ({id}, 7, 'n', 'b', {client}, 'x', 'x', '{state}', now(), now(), now())"
        )
    };
    sql.batch_execute(&broadcast).await.unwrap();
    sql.batch_execute(&publish(1, "starting")).await.unwrap();
    for bad in [
        broadcast.clone(),
        publish(2, "starting"),
        publish(1, "starting"),
        publish(3, "live"),
        publish(3, "nonsense"),
        "UPDATE streams SET status = 'live'".to_owned(),
        "UPDATE streams SET viewer_count = 1".to_owned(),
        "UPDATE streams SET playback_name = 'a/b'".to_owned(),
        "UPDATE broadcasts SET state = 'ended'".to_owned(),
        "INSERT INTO categories (name, slug) VALUES ('x', '123')".to_owned(),
        "INSERT INTO categories (name, slug) VALUES ('x', 'gaming')".to_owned(),
    ] {
        assert!(sql.batch_execute(&bad).await.is_err(), "{bad}");
    }
}
