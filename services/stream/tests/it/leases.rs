//! Viewer leases in Redis, compared with a simple model.

use std::collections::BTreeMap;
use std::time::Duration;

use primitives::StreamId;
use proptest::prelude::*;
use storage::deadpool_redis::redis::cmd;
use storage::{Redis, RedisConfig};
use stream::store::leases::{Audience, ByStream, Lease, Leases};

/// No lease of this duration expires within a case.
const LONG: Duration = Duration::from_secs(30);
/// For the leases of a gateway that crashes.
const SHORT: Duration = Duration::from_millis(30);

const GATEWAYS: [&str; 3] = ["g1", "g2", "g3"];
const STREAMS: [StreamId; 2] = [StreamId(1), StreamId(2)];
const VIEWERS: [&str; 4] = ["u:1", "u:2", "u:3", "g:x"];

#[derive(Debug, Clone)]
enum Step {
    /// A gateway renews viewers, each with a number of connections.
    Renew(&'static str, StreamId, Vec<(&'static str, u32)>),
    /// A gateway releases viewers, which it may never have renewed.
    Release(&'static str, StreamId, Vec<&'static str>),
    /// A gateway renews its viewers for the last time.
    Crash(&'static str),
    /// Redis loses everything, and all gateways renew.
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let gateway = || prop::sample::select(GATEWAYS.to_vec());
    let stream = || prop::sample::select(STREAMS.to_vec());
    let viewer = || prop::sample::select(VIEWERS.to_vec());
    let present = prop::collection::vec((viewer(), 1_u32..6), 1..5);
    let absent = prop::collection::vec(viewer(), 1..5);
    prop_oneof![
        8 => (gateway(), stream(), present)
            .prop_map(|(gateway, stream, viewers)| Step::Renew(gateway, stream, viewers)),
        5 => (gateway(), stream(), absent)
            .prop_map(|(gateway, stream, viewers)| Step::Release(gateway, stream, viewers)),
        1 => gateway().prop_map(Step::Crash),
        1 => Just(Step::Flush),
    ]
}

/// Connections by stream, viewer and gateway.
#[derive(Debug, Default)]
struct Model(BTreeMap<(StreamId, &'static str, &'static str), u32>);

impl Model {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Renew(gateway, stream, present) => {
                let held = present
                    .iter()
                    .map(|(viewer, number)| ((*stream, *viewer, *gateway), *number));
                self.0.extend(held);
            }
            Step::Release(gateway, stream, absent) => {
                self.0.retain(|(of, viewer, holder), _| {
                    (of, holder) != (stream, gateway) || !absent.contains(viewer)
                });
            }
            Step::Crash(gateway) => self.0.retain(|(_, _, holder), _| holder != gateway),
            Step::Flush => {}
        }
    }

    fn held_by(&self, gateway: &str) -> ByStream<Lease> {
        let mut held = ByStream::new();
        for ((stream, viewer, holder), connections) in &self.0 {
            if *holder == gateway {
                let leases: &mut Vec<Lease> = held.entry(*stream).or_default();
                leases.push(lease(viewer, *connections));
            }
        }
        held
    }

    fn audience(&self, stream: StreamId) -> Audience {
        let mut each: BTreeMap<&str, u32> = BTreeMap::new();
        for ((of, viewer, _), connections) in &self.0 {
            if *of == stream {
                *each.entry(*viewer).or_default() += connections;
            }
        }
        Audience {
            viewers: u32::try_from(each.len()).unwrap(),
            connections: each.values().sum(),
            max_per_viewer: each.values().copied().max().unwrap_or(0),
        }
    }
}

/// Leases under a key prefix of their own.
struct Real {
    redis: Redis,
    long: Leases,
    short: Leases,
}

impl Real {
    async fn new() -> Self {
        let stack = stack::shared().await.unwrap();
        let config = RedisConfig::new(&stack.redis_url, stack.redis_prefix());
        let redis = Redis::connect(&config).unwrap();
        Self {
            long: Leases::new(redis.clone(), LONG),
            short: Leases::new(redis.clone(), SHORT),
            redis,
        }
    }

    /// Applies a step that has been applied to the model.
    async fn apply(&self, step: &Step, before: &ByStream<Lease>, after: &Model) {
        match step {
            Step::Renew(gateway, stream, present) => {
                let leases = present.iter().map(|(viewer, number)| lease(viewer, *number));
                self.renew(gateway, *stream, leases.collect()).await;
            }
            Step::Release(gateway, stream, absent) => {
                let viewers: Vec<String> = absent.iter().map(|viewer| (*viewer).to_owned()).collect();
                let absent = BTreeMap::from([(*stream, viewers)]);
                self.long.release(gateway, &absent).await.unwrap();
            }
            Step::Crash(gateway) => {
                self.short.renew(gateway, before).await.unwrap();
                tokio::time::sleep(2 * SHORT).await;
            }
            Step::Flush => {
                flush(&self.redis).await;
                assert_eq!(self.long.counts().await.unwrap(), BTreeMap::new());
                for gateway in GATEWAYS {
                    self.long.renew(gateway, &after.held_by(gateway)).await.unwrap();
                }
            }
        }
    }

    async fn renew(&self, gateway: &str, stream: StreamId, leases: Vec<Lease>) {
        let leases = BTreeMap::from([(stream, leases)]);
        self.long.renew(gateway, &leases).await.unwrap();
    }

    async fn audience(&self, stream: StreamId) -> Audience {
        let counts = self.long.counts().await.unwrap();
        counts.get(&stream).copied().unwrap_or_default()
    }

    async fn check(&self, model: &Model) {
        for stream in STREAMS {
            let (counted, held) = (self.audience(stream).await, model.audience(stream));
            // Closed connections may count in the maximum for a while.
            let max_per_viewer = counted
                .max_per_viewer
                .clamp(held.max_per_viewer, held.connections);
            let expected = Audience {
                max_per_viewer,
                ..held
            };
            assert_eq!(counted, expected, "stream {stream}");
            assert_eq!(self.long.count(stream).await.unwrap(), held.viewers);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn counts_match_the_leases_of_all_gateways(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (real, mut model) = (Real::new().await, Model::default());
            for step in &steps {
                let before = match step {
                    Step::Crash(gateway) => model.held_by(gateway),
                    _ => ByStream::new(),
                };
                model.apply(step);
                real.apply(step, &before, &model).await;
                real.check(&model).await;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lease_of_the_previous_version_counts_as_one_connection() {
    let real = Real::new().await;
    let stream = StreamId(1);
    let ends = chrono::Utc::now().timestamp_millis() + 20_000;
    let set = async |command: &str, key: &str, member: &str, value: String| {
        let mut command = cmd(command);
        command.arg(real.redis.key(key)).arg(member).arg(value);
        let done = command.query_async::<()>(&mut real.redis.connection()).await;
        done.unwrap();
    };
    set("HSET", "leases:1", "u:1", format!("g1={ends};g2={ends}")).await;
    set("ZADD", "viewers:1", &ends.to_string(), "u:1".into()).await;
    set("ZADD", "rooms", &ends.to_string(), "1".into()).await;
    let counted = async || {
        let audience = real.audience(stream).await;
        (audience.viewers, audience.connections)
    };
    assert_eq!(counted().await, (1, 1), "before any renewal");
    real.renew("g1", stream, vec![lease("u:1", 3)]).await;
    assert_eq!(counted().await, (1, 4), "plus one of the other gateway");
    real.renew("g2", stream, vec![lease("u:1", 2)]).await;
    assert_eq!(counted().await, (1, 5));
    let released = BTreeMap::from([(stream, vec!["u:1".to_owned()])]);
    real.long.release("g1", &released).await.unwrap();
    assert_eq!(counted().await, (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn published_counts_are_kept_for_the_next_leader() {
    let real = Real::new().await;
    let [first, second] = STREAMS;
    real.long.record_published_counts(&[]).await.unwrap();
    real.long
        .record_published_counts(&[(first, 3), (second, 1)])
        .await
        .unwrap();
    real.long
        .record_published_counts(&[(first, 4), (second, 0)])
        .await
        .unwrap();
    assert_eq!(
        real.long.published_counts().await.unwrap(),
        BTreeMap::from([(first, 4)])
    );
}

fn lease(viewer: &str, connections: u32) -> Lease {
    Lease {
        viewer: viewer.to_owned(),
        connections,
    }
}

/// Deletes all keys with this deployment's prefix.
pub(crate) async fn flush(redis: &Redis) {
    let mut connection = redis.connection();
    let mut keys = cmd("KEYS");
    keys.arg(redis.key("*"));
    let keys: Vec<String> = keys.query_async(&mut connection).await.unwrap();
    if !keys.is_empty() {
        let mut delete = cmd("DEL");
        delete.arg(keys);
        delete.query_async::<()>(&mut connection).await.unwrap();
    }
}
