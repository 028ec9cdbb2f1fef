//! Viewer counts.

use std::collections::BTreeMap;

use identity::ServiceName;
use proto::stream::v1::{GetRoomRequest, ReleaseViewersRequest, RenewViewersRequest, ViewerLease};
use stack::eventually;

use crate::world::{TIMEOUT, World};

fn leases(stream_id: i64, viewers: &[(&str, u32)]) -> Vec<ViewerLease> {
    let lease = |(viewer, connections): &(&str, u32)| ViewerLease {
        stream_id,
        viewer: (*viewer).to_owned(),
        connections: *connections,
    };
    viewers.iter().map(lease).collect()
}

/// Gives each viewer the same number of connections.
fn with<'a>(connections: u32, viewers: &[&'a str]) -> Vec<(&'a str, u32)> {
    viewers.iter().map(|viewer| (*viewer, connections)).collect()
}

impl World {
    /// Renews viewers of a gateway, each with one connection.
    pub(crate) async fn renew(&self, gateway: &str, stream: i64, viewers: &[&str]) {
        self.renew_with(gateway, stream, &with(1, viewers)).await;
    }

    async fn renew_with(&self, gateway: &str, stream: i64, viewers: &[(&str, u32)]) {
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
            leases: leases(stream, &with(0, viewers)),
        };
        self.call_as(None, ServiceName::Gateway)
            .release_viewers(request)
            .await
            .unwrap();
    }

    /// Returns the metrics of a stream: viewers, connections, and the highest number of one viewer. Empty
    /// when it is not on air.
    async fn metrics(&self, stream: i64) -> Vec<u64> {
        let url = format!("http://{}/metrics", self.replica.app.internal_addr);
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let value = |name: &&str| {
            let head = format!("{name}{{stream_id=\"{stream}\"}} ");
            text.lines()
                .find_map(|line| line.strip_prefix(&head)?.parse::<u64>().ok())
        };
        let names = [
            "stream_viewers",
            "stream_viewer_connections",
            "stream_viewer_connections_max",
        ];
        names.iter().filter_map(value).collect()
    }

    /// Returns the peaks of a stream's broadcasts, newest first, each with its highest sample.
    async fn peaks(&self, stream: i64) -> Vec<(u32, Option<u32>)> {
        let broadcasts = self.broadcasts(stream).await.broadcasts;
        let peak = |broadcast: proto::stream::v1::Broadcast| {
            let curve = broadcast.curve.iter().map(|point| point.viewers);
            (broadcast.peak_viewers, curve.max())
        };
        broadcasts.into_iter().map(peak).collect()
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
async fn viewer_on_several_gateways_counts_once() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    world.renew("g1", id, &["u:1", "u:2", "g:x"]).await;
    world.renew("g2", id, &["u:1"]).await;
    assert_eq!(world.count(id).await, 3);
    world.release("g1", id, &["u:1"]).await;
    assert_eq!(world.count(id).await, 3, "the other gateway still has a lease");
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
async fn leases_of_a_crashed_gateway_expire() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    world.renew("g1", id, &["u:1", "u:2"]).await;
    world.renew("g2", id, &["u:1"]).await;
    eventually(TIMEOUT, "the lease of u:2 to end", async || {
        world.renew("g2", id, &["u:1"]).await;
        world.count(id).await == 1
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_measured_only_while_on_air() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 0).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    eventually(TIMEOUT, "a stream without viewers", async || {
        world.metrics(id).await == [0, 0, 0]
    })
    .await
    .unwrap();
    world.renew_with("g1", id, &[("u:1", 3), ("u:2", 1)]).await;
    world.renew_with("g2", id, &[("u:1", 2)]).await;
    eventually(TIMEOUT, "six connections", async || {
        world.metrics(id).await == [2, 6, 5]
    })
    .await
    .unwrap();
    world.release("g1", id, &["u:1"]).await;
    eventually(TIMEOUT, "three connections", async || {
        world.metrics(id).await.starts_with(&[2, 3])
    })
    .await
    .unwrap();
    publisher.stop().await.unwrap();
    world.until_live(id, false).await;
    eventually(TIMEOUT, "no metrics of the ended broadcast", async || {
        world.metrics(id).await.is_empty()
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_of_the_last_second_count_for_their_own_broadcast() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 0).await;
    let (id, key) = world.create().await;
    let all = ["u:1", "u:2", "u:3", "u:4"];
    for number in [2_usize, 4, 1] {
        let mut publisher = world.go_live(id, &key).await;
        world.renew("g1", id, all.get(..number).unwrap()).await;
        eventually(TIMEOUT, "the count", async || {
            world.metrics(id).await.first() == Some(&u64::try_from(number).unwrap())
        })
        .await
        .unwrap();
        publisher.stop().await.unwrap();
        world.until_live(id, false).await;
        world.release("g1", id, &all).await;
    }
    let peaks = [(1, Some(1)), (4, Some(4)), (2, Some(2))];
    eventually(TIMEOUT, "all peaks", async || world.peaks(id).await == peaks)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn count_is_stored_while_live_and_reset_after() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    eventually(TIMEOUT, "the count on the row", async || {
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
async fn malformed_leases_are_rejected() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    for (gateway, viewer, connections) in [
        ("", "u:1", 1),
        ("a;b", "u:1", 1),
        ("a,b", "u:1", 1),
        ("g1", "", 1),
        ("g1", "u:0", 1),
        ("g1", "x:1", 1),
        ("g1", "g:a=b", 1),
        ("g1", "u:1", 0),
        ("g1", "u:1", u32::MAX),
    ] {
        let request = RenewViewersRequest {
            gateway: gateway.into(),
            leases: leases(id, &[(viewer, connections)]),
        };
        let rejected = world
            .call_as(None, ServiceName::Gateway)
            .renew_viewers(request)
            .await
            .unwrap_err();
        let case = format!("{gateway} {viewer} {connections}");
        assert_eq!(rejected.code(), tonic::Code::InvalidArgument, "{case}");
    }
    assert_eq!(world.replica.app.leases.counts().await.unwrap(), BTreeMap::new());
}
