//! Who watches: leases in Redis, never a counter, so a gateway that dies takes its viewers with it.
//!
//! A viewer counts once however many sockets and gateways he has; his connections are counted beside him.
//! Each stream has a sorted set with one member per viewer, whose score is when the last of his leases ends,
//! so counting is one range over scores; a hash that says for each viewer which gateways hold a lease until
//! when, for how many connections, so that one gateway's release leaves what another holds; and a hash of
//! connections by the end of their leases, whose past part counts no more. Ends are rounded up to steps, so
//! that hash stays short. All of it may vanish at any time: the next renewal brings it back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{self, FromRedisValue, Pipeline, Script, ScriptInvocation};
use futures::future::try_join_all;
use primitives::StreamId;
use storage::Redis;

use crate::error::Result;

/// How long a lease lasts without a renewal. Gateways renew every 5 s, so two renewals may be lost.
pub const LEASE: Duration = Duration::from_secs(15);
/// A lease ends up to one such part of it late, a second.
const STEPS: u64 = 15;
/// Keys are kept for this long without a renewal; longer than a lease.
const KEPT_MILLIS: u64 = 60_000;
/// Viewers that one call of a script renews, and rooms that one counts: it holds Redis up for a millisecond
/// or two.
const CHUNK: usize = 100;

/// The scripts, each after those that it builds on.
macro_rules! script {
    ($($file:literal),+) => {
        Script::new(concat!($(include_str!(concat!("leases/", $file, ".lua"))),+))
    };
}

/// One viewer, as one gateway holds him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// `u:<user id>` or `g:<visitor id>`.
    pub viewer: String,
    /// His sockets there, at least one.
    pub connections: u32,
}

/// What one gateway says of its viewers, by stream.
pub type ByStream<T> = BTreeMap<StreamId, Vec<T>>;

/// Who is in a room now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audience {
    /// Distinct viewers.
    pub viewers: u32,
    /// Their connections, at least one each.
    pub connections: u32,
    /// The most connections that one of them has; what he has closed may be in it for as long as a lease.
    pub most: u32,
}

/// The leases of all viewers. Cheap to clone.
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
    /// Keeps leases in this Redis, each for [`LEASE`] unless a test has no time for it. More than half a
    /// minute is too long for the keys.
    #[must_use]
    pub fn new(redis: Redis, lease: Duration) -> Self {
        let scripts = Scripts {
            renew: script!("now", "held", "renew"),
            release: script!("now", "held", "release"),
            rooms: script!("now", "rooms"),
            count: script!("now", "count"),
        };
        Self {
            redis,
            millis: u64::try_from(lease.as_millis()).unwrap_or(KEPT_MILLIS),
            scripts: Arc::new(scripts),
        }
    }

    /// Renews the leases that a gateway holds, or begins them.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn renew(&self, gateway: &str, leases: &ByStream<Lease>) -> Result<()> {
        let calls = self.calls(
            &self.scripts.renew,
            leases,
            |call, stream| {
                call.key(self.redis.key("rooms"))
                    .arg(self.millis)
                    .arg((self.millis / STEPS).max(1))
                    .arg(KEPT_MILLIS)
                    .arg(gateway)
                    .arg(stream.0);
            },
            |call, lease| {
                call.arg(&lease.viewer).arg(lease.connections);
            },
        );
        self.send(calls).await
    }

    /// Ends the leases that a gateway holds.
    ///
    /// # Errors
    /// When Redis does not answer.
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

    /// All calls of a batch: no other client waits for the whole of it.
    fn calls<T>(
        &self,
        script: &Script,
        held: &ByStream<T>,
        head: impl Fn(&mut ScriptInvocation<'_>, StreamId),
        each: impl Fn(&mut ScriptInvocation<'_>, &T),
    ) -> Pipeline {
        let mut pipeline = loaded(script);
        for (stream, members) in held {
            for chunk in members.chunks(CHUNK) {
                let mut call = script.prepare_invoke();
                for of in ["viewers:", "leases:", "connections:"] {
                    call.key(self.redis.key(&format!("{of}{stream}")));
                }
                head(&mut call, *stream);
                chunk.iter().for_each(|member| each(&mut call, member));
                pipeline.invoke_script(&call).ignore();
            }
        }
        pipeline
    }

    /// Sends a batch in one round trip.
    async fn send<T: FromRedisValue>(&self, calls: Pipeline) -> Result<T> {
        let answer = calls.query_async(&mut self.redis.connection()).await;
        Ok(answer.map_err(storage::Error::from)?)
    }

    /// Who is in each room in which somebody is, or was within the last minute.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn counts(&self) -> Result<BTreeMap<StreamId, Audience>> {
        let mut call = self.scripts.rooms.key(self.redis.key("rooms"));
        call.arg(KEPT_MILLIS);
        let rooms = call.invoke_async(&mut self.redis.connection()).await;
        let rooms: Vec<i64> = rooms.map_err(storage::Error::from)?;
        self.audiences(&rooms).await
    }

    /// How many watch one stream.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn count(&self, stream: StreamId) -> Result<u32> {
        let counted = self.audiences(&[stream.0]).await?;
        Ok(counted.get(&stream).map_or(0, |audience| audience.viewers))
    }

    async fn audiences(&self, rooms: &[i64]) -> Result<BTreeMap<StreamId, Audience>> {
        let counted = try_join_all(rooms.chunks(CHUNK).map(|some| self.numbers(some))).await?;
        let rows = counted.iter().flat_map(|numbers| numbers.chunks_exact(4));
        Ok(rows.filter_map(audience).collect())
    }

    /// Four numbers for each room, as the script has them.
    async fn numbers(&self, rooms: &[i64]) -> Result<Vec<i64>> {
        let mut call = self.scripts.count.arg(self.redis.key("viewers:"));
        call.arg(self.redis.key("connections:")).arg(rooms);
        let numbers = call.invoke_async(&mut self.redis.connection()).await;
        Ok(numbers.map_err(storage::Error::from)?)
    }

    /// The counts that rooms were told last, for a replica that begins to tell them. It may know too few.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn told(&self) -> Result<BTreeMap<StreamId, u32>> {
        let mut call = redis::cmd("HGETALL");
        call.arg(self.redis.key("told"));
        let told = call.query_async(&mut self.redis.connection()).await;
        let told: BTreeMap<i64, u32> = told.map_err(storage::Error::from)?;
        Ok(told
            .into_iter()
            .map(|(stream, count)| (StreamId(stream), count))
            .collect())
    }

    /// Notes what rooms were told. Those that were told of nobody are forgotten.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn note_told(&self, changes: &[(StreamId, u32)]) -> Result<()> {
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

/// A batch that begins with its script, since Redis may have been emptied.
fn loaded(script: &Script) -> Pipeline {
    let mut pipeline = redis::pipe();
    pipeline.load_script(script).ignore();
    pipeline
}

fn audience(row: &[i64]) -> Option<(StreamId, Audience)> {
    let number = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
    match *row {
        [stream, viewers, connections, most] => Some((
            StreamId(stream),
            Audience {
                viewers: number(viewers),
                connections: number(connections),
                most: number(most),
            },
        )),
        _ => None,
    }
}
