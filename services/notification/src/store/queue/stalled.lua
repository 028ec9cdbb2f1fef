-- Moves active jobs without a lock back to the waiting ones. Fails those that stalled too often.
-- KEYS: active, wait, paused, meta, stalled, marker, failed, events. ARGV: key prefix, maximum stalls, now in ms.
local target = KEYS[2]
if redis.call("HEXISTS", KEYS[4], "paused") == 1 then
  target = KEYS[3]
end
local moved = 0
for _, id in ipairs(redis.call("LRANGE", KEYS[1], 0, -1)) do
  local job = ARGV[1] .. id
  if redis.call("EXISTS", job .. ":lock") == 0 then
    redis.call("LREM", KEYS[1], 1, id)
    redis.call("SREM", KEYS[5], id)
    if redis.call("EXISTS", job) == 1 then
      moved = moved + 1
      if redis.call("HINCRBY", job, "stc", 1) > tonumber(ARGV[2]) then
        local reason = "job stalled more than allowable limit"
        redis.call("ZADD", KEYS[7], ARGV[3], id)
        redis.call("HSET", job, "failedReason", reason, "finishedOn", ARGV[3])
        redis.call("XADD", KEYS[8], "MAXLEN", "~", 10000, "*", "event", "failed", "jobId", id,
          "failedReason", reason, "prev", "active")
      else
        redis.call("RPUSH", target, id)
        redis.call("XADD", KEYS[8], "MAXLEN", "~", 10000, "*", "event", "stalled", "jobId", id)
      end
    end
  end
end
if moved > 0 and target == KEYS[2] then
  redis.call("ZADD", KEYS[6], 0, "0")
end
return moved
