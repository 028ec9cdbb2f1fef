//! Effects of auth's events and snapshot on owners.

use primitives::UserId;
use proto::auth::v1::Owner;
use proto::stream::v1::CreateStreamRequest;
use proto::upload::messages;
use stack::eventually;
use stream::store::owners::OwnerUpdate;
use tonic::Code;
use uuid::Uuid;

use crate::world::{ANNA, TIMEOUT, World, ended};

fn names(username: &str) -> OwnerUpdate {
    OwnerUpdate::Names {
        username: username.into(),
        display_name: username.to_uppercase(),
    }
}

impl World {
    async fn apply(&self, user: UserId, version: i64, update: OwnerUpdate) {
        self.replica
            .app
            .store
            .owner_apply(Uuid::now_v7(), user, version, update)
            .await
            .unwrap();
    }

    async fn name(&self, stream: i64) -> (String, String) {
        let stream = self.stream(stream).await;
        (stream.username, stream.display_name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_decide_regardless_of_the_order_of_events() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    assert_eq!(
        world.name(id).await,
        ("user7".to_owned(), "user7".to_owned()),
        "the name in the token, before any event"
    );
    world.apply(ANNA, 3, names("anna")).await;
    world.apply(ANNA, 2, names("old")).await;
    assert_eq!(world.name(id).await, ("anna".to_owned(), "ANNA".to_owned()));
    world.apply(ANNA, 5, names("anna5")).await;
    world.apply(ANNA, 4, OwnerUpdate::Banned(true)).await;
    let request = CreateStreamRequest {
        title: "A title".into(),
        ..CreateStreamRequest::default()
    };
    let rejected = world
        .call(ANNA)
        .create_stream(messages(&[], request.clone()))
        .await
        .unwrap_err();
    assert_eq!(
        rejected.code(),
        Code::PermissionDenied,
        "a ban takes effect after a newer change of names"
    );
    world.apply(ANNA, 6, OwnerUpdate::Banned(false)).await;
    world
        .call(ANNA)
        .create_stream(messages(&[], request))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ban_ends_the_broadcast_and_rejects_the_key() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    world.apply(ANNA, 2, OwnerUpdate::Banned(true)).await;
    world.until_live(id, false).await;
    publisher.wait(TIMEOUT).await.unwrap();
    assert_eq!(
        world.events.first_with_time("stream.ended", ended).await.1.reason,
        "banned"
    );
    let mut again = world.publish(&key).await;
    assert!(!again.wait(TIMEOUT).await.unwrap().success());
    assert_eq!(world.rejections(id).await, ["banned"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_user_leaves_nothing_and_stays_deleted() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    world.apply(ANNA, 2, OwnerUpdate::Deleted).await;
    world.apply(ANNA, 9, names("ghost")).await;
    publisher.wait(TIMEOUT).await.unwrap();
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
async fn snapshot_is_imported_and_marked_as_complete() {
    let world = World::with(|_| {}).await;
    let sql = world.sql().await;
    // The user is imported by one of the two passes.
    let owner = Owner {
        id: 21,
        username: "carl".into(),
        display_name: "Carl".into(),
        banned: true,
        version: 4,
    };
    world.kit.peers.auth.add_owner(owner);
    let copied = "SELECT count(*) FROM owners WHERE id = 21 AND username = 'carl' AND banned_at IS NOT NULL";
    let timeout = TIMEOUT * 3;
    eventually(timeout, "the snapshot", async || {
        sql.query_one(copied, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await
    .unwrap();
    let filled = "SELECT count(*) FROM snapshots WHERE name = 'owners'";
    eventually(timeout, "the mark", async || {
        sql.query_one(filled, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await
    .unwrap();
}
