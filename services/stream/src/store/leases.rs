//! Viewer leases in Redis. Viewers are counted by leases that expire, so those of a crashed gateway disappear
//! by themselves.
//!
//! A viewer counts once, regardless of how many sockets and gateways are involved. Each stream has three
//! keys:
//!
//! * a sorted set with one member per viewer, whose score is the expiry of the viewer's last lease, so that
//!   counting is one range query;
//! * a hash from viewers to their leases, which lists the gateway, the expiry and the number of connections
//!   of each, so that a release by one gateway keeps the leases of the others;
//! * a hash from expiries to sums of connections, of which those in the past no longer count. Expiries are
//!   rounded up to steps, which keeps this hash short.
//!
//! Redis may lose all of it at any time: the next renewal restores it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{self, FromRedisValue, Pipeline, Script, ScriptInvocation};
use futures::future::try_join_all;
use primitives::StreamId;
use storage::Redis;

use crate::error::Result;

/// Gateways renew leases every 5 s, so two renewals may be lost.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// The number of steps of a lease to which expiries are rounded up: a lease lasts up to 1 s longer.
const EXPIRY_STEPS: u64 = 15;
/// The TTL of keys, which must exceed the duration of a lease.
const KEY_TTL_MILLIS: u64 = 60_000;
/// The number of viewers or streams per script call, so that one call blocks Redis for a millisecond or two.
const BATCH_SIZE: usize = 100;

/// Concatenates Lua files, each after those that it depends on.
macro_rules! script {
    ($($file:literal),+) => {
        Script::new(concat!($(include_str!(concat!("leases/", $file, ".lua"))),+))
    };
}

/// The lease that one gateway holds for one viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// `u:<user id>` or `g:<visitor id>`.
    pub viewer: String,
    /// The viewer's sockets on this gateway, at least 1.
    pub connections: u32,
}

pub type ByStream<T> = BTreeMap<StreamId, Vec<T>>;

/// The current viewers of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audience {
    pub viewers: u32,
    /// At least one per viewer.
    pub connections: u32,
    /// The highest number of connections of one viewer. Closed ones may count until their lease expires.
    pub max_per_viewer: u32,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leases {
    redis: Redis,
    millis: u64,
    scripts: Arc<Scripts>,
}

#[derive(Debug)]
struct Scripts {
    renew: Script,
    release: Script,
    rooms: Script,
    count: Script,
}

impl Leases {
    /// `duration` is [`LEASE_DURATION`] outside of tests. It must not exceed 30 s, half the TTL of the keys.
    #[must_use]
    pub fn new(redis: Redis, duration: Duration) -> Self {
        let scripts = Scripts {
            renew: script!("now", "held", "renew"),
            release: script!("now", "held", "release"),
            rooms: script!("now", "rooms"),
            count: script!("now", "count"),
        };
        Self {
            redis,
            millis: u64::try_from(duration.as_millis()).unwrap_or(KEY_TTL_MILLIS),
            scripts: Arc::new(scripts),
        }
    }

    /// Creates or renews leases of a gateway.
    pub async fn renew(&self, gateway: &str, leases: &ByStream<Lease>) -> Result<()> {
        let calls = self.calls(
            &self.scripts.renew,
            leases,
            |call, stream| {
                call.key(self.redis.key("rooms"))
                    .arg(self.millis)
                    .arg((self.millis / EXPIRY_STEPS).max(1))
                    .arg(KEY_TTL_MILLIS)
                    .arg(gateway)
                    .arg(stream.0);
            },
            |call, lease| {
                call.arg(&lease.viewer).arg(lease.connections);
            },
        );
        self.send(calls).await
    }

    /// Ends leases of a gateway.
    pub async fn release(&self, gateway: &str, viewers: &ByStream<String>) -> Result<()> {
        let calls = self.calls(
            &self.scripts.release,
            viewers,
            |call, _| {
                call.arg(gateway);
            },
            |call, viewer| {
                call.arg(viewer);
            },
        );
        self.send(calls).await
    }

    /// Builds a pipeline with one script call per stream and batch, so that Redis serves other clients
    /// between the calls. `head` adds the arguments of a call, `each` those of a member.
    fn calls<T>(
        &self,
        script: &Script,
        members: &ByStream<T>,
        head: impl Fn(&mut ScriptInvocation<'_>, StreamId),
        each: impl Fn(&mut ScriptInvocation<'_>, &T),
    ) -> Pipeline {
        let mut pipeline = loaded(script);
        for (stream, members) in members {
            for chunk in members.chunks(BATCH_SIZE) {
                let mut call = script.prepare_invoke();
                for prefix in ["viewers:", "leases:", "connections:"] {
                    call.key(self.redis.key(&format!("{prefix}{stream}")));
                }
                head(&mut call, *stream);
                chunk.iter().for_each(|member| each(&mut call, member));
                pipeline.invoke_script(&call).ignore();
            }
        }
        pipeline
    }

    /// Sends a pipeline in one round trip.
    async fn send<T: FromRedisValue>(&self, calls: Pipeline) -> Result<T> {
        let response = calls.query_async(&mut self.redis.connection()).await;
        Ok(response.map_err(storage::Error::from)?)
    }

    /// Returns the viewers of all streams that have or recently had some.
    pub async fn counts(&self) -> Result<BTreeMap<StreamId, Audience>> {
        let mut call = self.scripts.rooms.key(self.redis.key("rooms"));
        call.arg(KEY_TTL_MILLIS);
        let streams = call.invoke_async(&mut self.redis.connection()).await;
        let streams: Vec<i64> = streams.map_err(storage::Error::from)?;
        self.audiences(&streams).await
    }

    /// Returns the number of viewers of one stream.
    pub async fn count(&self, stream: StreamId) -> Result<u32> {
        let counted = self.audiences(&[stream.0]).await?;
        Ok(counted.get(&stream).map_or(0, |audience| audience.viewers))
    }

    async fn audiences(&self, streams: &[i64]) -> Result<BTreeMap<StreamId, Audience>> {
        let counted = try_join_all(streams.chunks(BATCH_SIZE).map(|batch| self.count_batch(batch))).await?;
        let rows = counted.iter().flat_map(|numbers| numbers.chunks_exact(4));
        Ok(rows.filter_map(audience).collect())
    }

    /// Returns the four numbers per stream of `count.lua`.
    async fn count_batch(&self, streams: &[i64]) -> Result<Vec<i64>> {
        let mut call = self.scripts.count.arg(self.redis.key("viewers:"));
        call.arg(self.redis.key("connections:")).arg(streams);
        let numbers = call.invoke_async(&mut self.redis.connection()).await;
        Ok(numbers.map_err(storage::Error::from)?)
    }

    /// Returns the viewer counts that were published last, for a replica that becomes the leader. May be
    /// incomplete.
    pub async fn published_counts(&self) -> Result<BTreeMap<StreamId, u32>> {
        let mut call = redis::cmd("HGETALL");
        call.arg(self.redis.key("told"));
        let counts = call.query_async(&mut self.redis.connection()).await;
        let counts: BTreeMap<i64, u32> = counts.map_err(storage::Error::from)?;
        Ok(counts
            .into_iter()
            .map(|(stream, count)| (StreamId(stream), count))
            .collect())
    }

    /// Stores counts that were published. Zeros are not stored.
    pub async fn record_published_counts(&self, changes: &[(StreamId, u32)]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut calls = redis::pipe();
        for (stream, count) in changes {
            let command = if *count == 0 { "HDEL" } else { "HSET" };
            calls.cmd(command).arg(self.redis.key("told")).arg(stream.0);
            if *count > 0 {
                calls.arg(*count);
            }
            calls.ignore();
        }
        self.send(calls).await
    }
}

/// Starts a pipeline by loading its script, since Redis may have lost it.
fn loaded(script: &Script) -> Pipeline {
    let mut pipeline = redis::pipe();
    pipeline.load_script(script).ignore();
    pipeline
}

fn audience(row: &[i64]) -> Option<(StreamId, Audience)> {
    let number = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
    match *row {
        [stream, viewers, connections, max_per_viewer] => Some((
            StreamId(stream),
            Audience {
                viewers: number(viewers),
                connections: number(connections),
                max_per_viewer: number(max_per_viewer),
            },
        )),
        _ => None,
    }
}
