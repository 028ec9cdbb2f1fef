//! What events and the snapshot say of owners.

use primitives::UserId;
use proto::auth::v1::Owner;
use proto::stream::v1::CreateStreamRequest;
use proto::upload::messages;
use stack::eventually;
use stream::store::owners::Change;
use tonic::Code;
use uuid::Uuid;

use crate::world::{ANNA, SOON, World, ended};

fn named(username: &str) -> Change {
    Change::Named {
        username: username.into(),
        display_name: username.to_uppercase(),
    }
}

impl World {
    async fn hear(&self, user: UserId, version: i64, change: Change) {
        self.replica
            .app
            .store
            .owner_apply(Uuid::now_v7(), user, version, change)
            .await
            .unwrap();
    }

    async fn name(&self, stream: i64) -> (String, String) {
        let stream = self.stream(stream).await;
        (stream.username, stream.display_name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_follow_versions_and_not_the_order_of_events() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    assert_eq!(
        world.name(id).await,
        ("user7".to_owned(), "user7".to_owned()),
        "as the token says, until auth does"
    );
    world.hear(ANNA, 3, named("anna")).await;
    world.hear(ANNA, 2, named("old")).await;
    assert_eq!(world.name(id).await, ("anna".to_owned(), "ANNA".to_owned()));
    world.hear(ANNA, 5, named("anna5")).await;
    world.hear(ANNA, 4, Change::Banned(true)).await;
    let request = CreateStreamRequest {
        title: "A title".into(),
        ..CreateStreamRequest::default()
    };
    let refused = world
        .call(ANNA)
        .create_stream(messages(&[], request.clone()))
        .await
        .unwrap_err();
    assert_eq!(
        refused.code(),
        Code::PermissionDenied,
        "a ban counts though a newer name came before it"
    );
    world.hear(ANNA, 6, Change::Banned(false)).await;
    world
        .call(ANNA)
        .create_stream(messages(&[], request))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_ends_the_broadcast_and_refuses_the_key() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    world.hear(ANNA, 2, Change::Banned(true)).await;
    world.until_live(id, false).await;
    publisher.wait(SOON).await.unwrap();
    assert_eq!(world.ear.first("stream.ended", ended).await.1.reason, "banned");
    let mut again = world.publish(&key).await;
    assert!(!again.wait(SOON).await.unwrap().success());
    assert_eq!(world.refusals(id).await, ["banned"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_leaves_nothing_and_does_not_come_back() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    world.hear(ANNA, 2, Change::Deleted).await;
    world.hear(ANNA, 9, named("ghost")).await;
    publisher.wait(SOON).await.unwrap();
    assert_eq!(
        world.try_stream(ANNA, id).await.unwrap_err().code(),
        Code::NotFound
    );
    let sql = world.sql().await;
    let left = "SELECT (SELECT count(*) FROM publishes) + (SELECT count(*) FROM broadcasts) + \
                (SELECT count(*) FROM owners WHERE username <> '')";
    assert_eq!(sql.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_on_the_bus_arrives_and_a_snapshot_fills_the_rest() {
    let world = World::with(|_| {}).await;
    let sql = world.sql().await;
    // Whoever is in auth's snapshot is copied, by one of its two passes.
    let owner = Owner {
        id: 21,
        username: "carl".into(),
        display_name: "Carl".into(),
        banned: true,
        version: 4,
    };
    world.auth.owners.lock().unwrap().push(owner);
    let copied = "SELECT count(*) FROM owners WHERE id = 21 AND username = 'carl' AND banned_at IS NOT NULL";
    let patience = SOON * 3;
    eventually(patience, "the snapshot", async || {
        sql.query_one(copied, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await
    .unwrap();
    let filled = "SELECT count(*) FROM snapshots WHERE name = 'owners'";
    eventually(patience, "the note", async || {
        sql.query_one(filled, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await
    .unwrap();
}
