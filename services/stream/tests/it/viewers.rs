//! Who watches.

use std::collections::BTreeMap;

use bus::{RealtimeHeard, RealtimeSubscriber};
use identity::ServiceName;
use proto::events::v1::realtime::Message;
use proto::stream::v1::{GetRoomRequest, ReleaseViewersRequest, RenewViewersRequest, ViewerLease};
use stack::eventually;
use storage::Redis;

use crate::world::{SOON, World};

fn leases(stream_id: i64, viewers: &[&str]) -> Vec<ViewerLease> {
    let lease = |viewer: &&str| ViewerLease {
        stream_id,
        viewer: (*viewer).to_owned(),
        connections: 1,
    };
    viewers.iter().map(lease).collect()
}

impl World {
    async fn renew(&self, gateway: &str, stream: i64, viewers: &[&str]) {
        let request = RenewViewersRequest {
            gateway: gateway.into(),
            leases: leases(stream, viewers),
        };
        self.call_as(None, ServiceName::Gateway)
            .renew_viewers(request)
            .await
            .unwrap();
    }

    async fn release(&self, gateway: &str, stream: i64, viewers: &[&str]) {
        let request = ReleaseViewersRequest {
            gateway: gateway.into(),
            leases: leases(stream, viewers),
        };
        self.call_as(None, ServiceName::Gateway)
            .release_viewers(request)
            .await
            .unwrap();
    }

    async fn count(&self, stream_id: i64) -> u32 {
        let request = GetRoomRequest { stream_id };
        self.call_as(None, ServiceName::Chat)
            .get_room(request)
            .await
            .unwrap()
            .into_inner()
            .viewer_count
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_counts_once_however_many_gateways_hold_him() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    world.renew("g1", id, &["u:1", "u:2", "g:x"]).await;
    world.renew("g2", id, &["u:1"]).await;
    assert_eq!(world.count(id).await, 3);
    world.release("g1", id, &["u:1"]).await;
    assert_eq!(world.count(id).await, 3, "the other gateway still holds him");
    world.release("g2", id, &["u:1"]).await;
    assert_eq!(world.count(id).await, 2);
    world.release("g1", id, &["u:1", "u:2", "g:x", "u:9"]).await;
    assert_eq!(world.count(id).await, 0);

    let many: Vec<String> = (1..=5000).map(|viewer| format!("u:{viewer}")).collect();
    world
        .renew("g1", id, &many.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    assert_eq!(world.count(id).await, 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_dies_takes_its_viewers_with_it() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    world.renew("g1", id, &["u:1", "u:2"]).await;
    world.renew("g2", id, &["u:1"]).await;
    eventually(SOON, "the lease of u:2 to end", async || {
        world.renew("g2", id, &["u:1"]).await;
        world.count(id).await == 1
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_hear_of_changes_and_a_lost_redis_is_filled_again() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    let mut subscriber = RealtimeSubscriber::start(&world.ear.bus, &[&format!("stream.{id}")]);
    let mut next = async || loop {
        let heard = tokio::time::timeout(SOON, subscriber.next()).await.unwrap();
        match heard.unwrap() {
            RealtimeHeard::Message {
                message: Message::ViewerCountChanged(changed),
                ..
            } => return changed.count,
            RealtimeHeard::Connected => return u32::MAX,
            RealtimeHeard::Message { .. } => {}
        }
    };
    assert_eq!(next().await, u32::MAX, "connected");
    world.renew("g1", id, &["u:1"]).await;
    assert_eq!(next().await, 1);
    world.renew("g1", id, &["u:1", "u:2"]).await;
    assert_eq!(next().await, 2);
    forget(&world).await;
    assert_eq!(next().await, 0);
    world.renew("g1", id, &["u:1", "u:2"]).await;
    assert_eq!(next().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_written_while_live_and_gone_after() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    eventually(SOON, "the count on the row", async || {
        world.renew("g1", id, &["u:1", "u:2", "u:3"]).await;
        world.stream(id).await.viewer_count == 3
    })
    .await
    .unwrap();
    publisher.stop().await.unwrap();
    world.until_live(id, false).await;
    assert_eq!(world.stream(id).await.viewer_count, 0);
    let broadcasts = world.broadcasts(id).await.broadcasts;
    let peaks: Vec<_> = broadcasts
        .iter()
        .map(|b| (b.peak_viewers, b.curve.is_empty()))
        .collect();
    assert_eq!(peaks, [(3, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_of_another_shape_are_refused() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    for (gateway, viewer) in [
        ("", "u:1"),
        ("a;b", "u:1"),
        ("g1", ""),
        ("g1", "u:0"),
        ("g1", "x:1"),
        ("g1", "g:a=b"),
    ] {
        let request = RenewViewersRequest {
            gateway: gateway.into(),
            leases: leases(id, &[viewer]),
        };
        let refused = world
            .call_as(None, ServiceName::Gateway)
            .renew_viewers(request)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{gateway} {viewer}");
    }
    assert_eq!(world.replica.app.leases.counts().await.unwrap(), BTreeMap::new());
}

/// Redis comes back empty.
async fn forget(world: &World) {
    let redis = Redis::connect(&world.config.redis).unwrap();
    let mut connection = redis.connection();
    let keys: Vec<String> = storage::deadpool_redis::redis::cmd("KEYS")
        .arg(redis.key("*"))
        .query_async(&mut connection)
        .await
        .unwrap();
    storage::deadpool_redis::redis::cmd("DEL")
        .arg(keys)
        .query_async::<()>(&mut connection)
        .await
        .unwrap();
}
