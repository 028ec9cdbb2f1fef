//! The migrations.

use crate::world::World;

#[tokio::test]
async fn migration_is_reversible() {
    let world = World::new().await;
    let sql = world.sql().await;
    let columns = "SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, E'\n' \
        ORDER BY table_name, column_name) \
                   FROM information_schema.columns WHERE table_schema = 'public'";
    let before: String = sql.query_one(columns, &[]).await.unwrap().get(0);
    assert!(before.contains("users.tokens_valid_from"), "{before}");
    sql.batch_execute(include_str!(
        "../../migrations/2026-11-22-100000_accounts/down.sql"
    ))
    .await
    .unwrap();
    let down: String = sql.query_one(columns, &[]).await.unwrap().get(0);
    assert!(!down.contains("users") && down.contains("outbox"), "{down}");
    sql.batch_execute(include_str!("../../migrations/2026-11-22-100000_accounts/up.sql"))
        .await
        .unwrap();
    let after: String = sql.query_one(columns, &[]).await.unwrap().get(0);
    assert_eq!(before, after);
}

#[tokio::test]
async fn constraints_reject_invalid_rows() {
    let world = World::new().await;
    let sql = world.sql().await;
    let insert = "INSERT INTO users (username, password, display_name) VALUES ($1, 'x', 'x') RETURNING id";
    let anna: i64 = sql.query_one(insert, &[&"Anna"]).await.unwrap().get(0);
    for bad in [
        "INSERT INTO users (username, password, display_name) VALUES ('ANNA', 'x', 'x')".to_owned(),
        "UPDATE users SET role = 'root'".to_owned(),
        format!("INSERT INTO follows (follower_id, following_id) VALUES ({anna}, {anna})"),
        format!("INSERT INTO follows (follower_id, following_id) VALUES ({anna}, 999)"),
        "INSERT INTO token_blacklist (token, kind, user_id, expires_at) VALUES ('x', 'user', 1, now())"
            .to_owned(),
    ] {
        assert!(sql.batch_execute(&bad).await.is_err(), "{bad}");
    }
}
