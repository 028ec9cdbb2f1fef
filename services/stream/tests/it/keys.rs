//! Stream keys: wrong keys, rotation and secrecy.

use proto::stream::v1::{GetStreamRequest, RotateKeyRequest};
use secrecy::ExposeSecret;

use crate::world::{ANNA, BOB, TIMEOUT, World, ended};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_key_is_rejected_and_listed_for_the_owner() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    let (name, _) = key.split_once('?').unwrap();
    let wrong = format!("{name}?key=live_{}", "a".repeat(32));
    let mut publisher = world.publish(&wrong).await;
    assert!(!publisher.wait(TIMEOUT).await.unwrap().success());
    assert_eq!(world.rejections(id).await, ["wrong_key"]);
    assert!(
        !std::fs::read_dir(world.node.record_dir()).unwrap().any(|_| true),
        "nothing was recorded"
    );
    let request = proto::stream::v1::ListBroadcastsRequest {
        stream_id: id,
        page: None,
    };
    let of_other_user = world
        .call(BOB)
        .list_broadcasts(request)
        .await
        .unwrap()
        .into_inner();
    assert!(of_other_user.rejections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_ends_the_broadcast_with_the_old_key() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, old) = world.create().await;
    let mut publisher = world.go_live(id, &old).await;
    let new = world
        .call(ANNA)
        .rotate_key(RotateKeyRequest { id })
        .await
        .unwrap()
        .into_inner()
        .stream_key;
    assert_eq!(
        world.stream(id).await.status(),
        proto::stream::v1::StreamStatus::Ended,
        "immediately"
    );
    publisher.wait(TIMEOUT).await.unwrap();
    let (_, over) = world.events.first_with_time("stream.ended", ended).await;
    assert_eq!(over.reason, "key_rotated");

    let mut late = world.publish(&old).await;
    assert!(!late.wait(TIMEOUT).await.unwrap().success());
    assert_eq!(world.rejections(id).await, ["wrong_key"]);
    assert_eq!(
        old.split_once('?').unwrap().0,
        new.split_once('?').unwrap().0,
        "the playback name stays"
    );
    let _publisher = world.go_live(id, &new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_is_visible_only_to_the_owner_and_not_in_the_database() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    let shown = world
        .call(ANNA)
        .get_stream(GetStreamRequest { id })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown.stream.unwrap().stream_key.as_ref(), Some(&key));
    assert_eq!(shown.rtmp_url.as_ref(), Some(&world.config.stream_rtmp_url));
    for mut other in [
        world.call(BOB),
        world.admin(),
        world.call_as(None, identity::ServiceName::Gateway),
    ] {
        let shown = other
            .get_stream(GetStreamRequest { id })
            .await
            .unwrap()
            .into_inner();
        assert_eq!((shown.stream.unwrap().stream_key, shown.rtmp_url), (None, None));
    }
    let rejected = world
        .admin()
        .rotate_key(RotateKeyRequest { id })
        .await
        .unwrap_err();
    assert_eq!(
        rejected.code(),
        tonic::Code::PermissionDenied,
        "rotation returns the key, so admins may not do it"
    );

    let _publisher = world.go_live(id, &key).await;
    let secret = key.split_once("live_").unwrap().1;
    let sql = world.sql().await;
    for table in [
        "streams",
        "broadcasts",
        "publishes",
        "publish_refusals",
        "outbox",
        "owners",
    ] {
        let text = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
        let text: String = sql.query_one(&text, &[]).await.unwrap().get(0);
        assert!(!text.contains(secret), "{table}");
    }
    assert!(world.config.stream_hook_secret.expose_secret() != secret);
}
