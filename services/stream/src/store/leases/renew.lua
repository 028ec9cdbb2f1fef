-- Begins or renews leases of one gateway in one stream. KEYS: 4 rooms, besides those of held.lua. ARGV: 1 ms of a lease, 2 ms of a
-- step of ends, 3 ms that keys are kept, 4 gateway, 5 stream, then viewer and connections in turn.
local ends = math.ceil((now + ARGV[1]) / ARGV[2]) * ARGV[2]
for i = 6, #ARGV, 2 do
  local viewer, connections = ARGV[i], tonumber(ARGV[i + 1])
  local leases, elsewhere, latest = without(ARGV[4], viewer)
  leases[#leases + 1] = string.format("%s=%d,%d", ARGV[4], ends, connections)
  redis.call("HSET", KEYS[2], viewer, table.concat(leases, ";"))
  redis.call("ZADD", KEYS[1], string.format("%d", math.max(ends, latest)), viewer)
  add(ends, connections, connections + elsewhere)
end
settle()
local gone = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", now, "LIMIT", 0, 1000)
if #gone > 0 then
  redis.call("ZREM", KEYS[1], unpack(gone))
  redis.call("HDEL", KEYS[2], unpack(gone))
end
for _, over in ipairs(redis.call("HKEYS", KEYS[3])) do
  if tonumber(over) <= now then
    redis.call("HDEL", KEYS[3], over)
  end
end
for i = 1, 3 do
  redis.call("PEXPIRE", KEYS[i], ARGV[3])
end
redis.call("ZADD", KEYS[4], string.format("%d", ends), ARGV[5])
return 0
