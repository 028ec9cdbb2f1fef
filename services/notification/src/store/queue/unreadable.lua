-- Fails the one job locked with a token: a field of its hash is missing or not valid JSON.
-- KEYS: active, failed, stalled, events. ARGV: key prefix, token, reason, now in ms.
for _, id in ipairs(redis.call("LRANGE", KEYS[1], 0, -1)) do
  local job = ARGV[1] .. id
  if redis.call("GET", job .. ":lock") == ARGV[2] then
    redis.call("DEL", job .. ":lock")
    redis.call("LREM", KEYS[1], 1, id)
    redis.call("SREM", KEYS[3], id)
    redis.call("ZADD", KEYS[2], ARGV[4], id)
    redis.call("HSET", job, "failedReason", ARGV[3], "finishedOn", ARGV[4])
    redis.call("XADD", KEYS[4], "MAXLEN", "~", 10000, "*", "event", "failed", "jobId", id,
      "failedReason", ARGV[3], "prev", "active")
  end
end
