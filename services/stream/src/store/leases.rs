//! Who watches: leases in Redis, never a counter, so a gateway that dies takes its viewers with it.
//!
//! A viewer counts once however many sockets and gateways he has. Each stream has a sorted set with one member per viewer, whose
//! score is when the last of his leases ends, so counting is one range over scores; and a hash that says for each viewer which
//! gateways hold a lease until when, so that one gateway's release leaves what another holds. Redis' own clock is the only one
//! that counts. All of it may vanish at any time: the next renewal brings it back.

use std::collections::BTreeMap;

use deadpool_redis::redis::{self, Script};
use domain::StreamId;
use storage::Redis;

use crate::error::Result;

/// How long a lease lasts without a renewal.
const LEASE_MILLIS: u64 = 15_000;
/// Viewers that one call of a script renews: it holds Redis up for less than a millisecond.
const CHUNK: usize = 200;

const RENEW: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = string.format('%d', now + ARGV[1])
for i = 4, #ARGV do
  local leases = ARGV[2] .. '=' .. ends
  local held = redis.call('HGET', KEYS[2], ARGV[i])
  if held then
    for gateway, other in string.gmatch(held, '([^=;]+)=(%d+)') do
      if gateway ~= ARGV[2] and tonumber(other) > now then leases = leases .. ';' .. gateway .. '=' .. other end
    end
  end
  redis.call('HSET', KEYS[2], ARGV[i], leases)
  redis.call('ZADD', KEYS[1], ends, ARGV[i])
end
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1000)
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('HDEL', KEYS[2], unpack(gone))
end
redis.call('PEXPIRE', KEYS[1], 4 * ARGV[1])
redis.call('PEXPIRE', KEYS[2], 4 * ARGV[1])
redis.call('ZADD', KEYS[3], ends, ARGV[3])
return 0
";

const RELEASE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do
  local held = redis.call('HGET', KEYS[2], ARGV[i])
  if held then
    local leases, latest = '', 0
    for gateway, other in string.gmatch(held, '([^=;]+)=(%d+)') do
      if gateway ~= ARGV[1] and tonumber(other) > now then
        if leases ~= '' then leases = leases .. ';' end
        leases = leases .. gateway .. '=' .. other
        if tonumber(other) > latest then latest = tonumber(other) end
      end
    end
    if latest > 0 then
      redis.call('HSET', KEYS[2], ARGV[i], leases)
      redis.call('ZADD', KEYS[1], string.format('%d', latest), ARGV[i])
    else
      redis.call('HDEL', KEYS[2], ARGV[i])
      redis.call('ZREM', KEYS[1], ARGV[i])
    end
  end
end
return 0
";

const COUNT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
local counts = {}
for _, stream in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  counts[#counts + 1] = stream
  counts[#counts + 1] = redis.call('ZCOUNT', ARGV[1] .. stream, '(' .. string.format('%d', now), '+inf')
end
return counts
";

const COUNT_ONE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%d', now), '+inf')
";

/// The viewers of one gateway, by stream.
pub type Viewers = BTreeMap<StreamId, Vec<String>>;

/// The leases of all viewers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leases {
    redis: Redis,
}

impl Leases {
    /// Keeps leases in this Redis.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Renews the leases that a gateway holds, or begins them.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn renew(&self, gateway: &str, viewers: &Viewers) -> Result<()> {
        let script = Script::new(RENEW);
        self.in_chunks(&script, viewers, |call, stream| {
            call.key(self.redis.key("rooms"))
                .arg(LEASE_MILLIS)
                .arg(gateway)
                .arg(stream.0);
        })
        .await
    }

    /// Ends the leases that a gateway holds.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn release(&self, gateway: &str, viewers: &Viewers) -> Result<()> {
        let script = Script::new(RELEASE);
        self.in_chunks(&script, viewers, |call, _| {
            call.arg(gateway);
        })
        .await
    }

    /// All calls of a batch in one pipeline: one round trip, and no other client waits for the whole of it.
    async fn in_chunks(
        &self,
        script: &Script,
        viewers: &Viewers,
        head: impl Fn(&mut redis::ScriptInvocation<'_>, StreamId),
    ) -> Result<()> {
        let mut pipeline = redis::pipe();
        // Loaded in the same trip: Redis may have been emptied since.
        pipeline.load_script(script).ignore();
        for (stream, members) in viewers {
            for chunk in members.chunks(CHUNK) {
                let mut call = script.prepare_invoke();
                call.key(self.set(*stream))
                    .key(self.redis.key(&format!("leases:{stream}")));
                head(&mut call, *stream);
                for viewer in chunk {
                    call.arg(viewer);
                }
                pipeline.invoke_script(&call).ignore();
            }
        }
        let mut connection = self.redis.connection();
        Ok(pipeline
            .query_async::<()>(&mut connection)
            .await
            .map_err(storage::Error::from)?)
    }

    /// How many watch each stream that somebody watches or watched within the last minute.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn counts(&self) -> Result<BTreeMap<StreamId, u32>> {
        let mut connection = self.redis.connection();
        let flat: Vec<i64> = Script::new(COUNT)
            .key(self.redis.key("rooms"))
            .arg(self.redis.key("viewers:"))
            .invoke_async(&mut connection)
            .await
            .map_err(storage::Error::from)?;
        Ok(flat.chunks_exact(2).filter_map(pair).collect())
    }

    /// How many watch one stream.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn count(&self, stream: StreamId) -> Result<u32> {
        let mut connection = self.redis.connection();
        let call = Script::new(COUNT_ONE);
        let count = call.key(self.set(stream)).invoke_async(&mut connection).await;
        Ok(count.map_err(storage::Error::from)?)
    }

    fn set(&self, stream: StreamId) -> String {
        self.redis.key(&format!("viewers:{stream}"))
    }
}

fn pair(pair: &[i64]) -> Option<(StreamId, u32)> {
    match pair {
        [stream, count] => Some((StreamId(*stream), u32::try_from(*count).ok()?)),
        _ => None,
    }
}
