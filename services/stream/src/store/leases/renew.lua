-- Creates or renews leases of one gateway in one stream.
-- KEYS: those of held.lua, then 4 rooms. ARGV: 1 duration of a lease in ms, 2 step of expiries in ms, 3 TTL of the keys
-- in ms, 4 gateway, 5 stream, then alternately a viewer and the number of connections.
local expiry = math.ceil((now + ARGV[1]) / ARGV[2]) * ARGV[2]
for i = 6, #ARGV, 2 do
  local viewer, connections = ARGV[i], tonumber(ARGV[i + 1])
  local leases, elsewhere, latest = without(ARGV[4], viewer)
  leases[#leases + 1] = string.format("%s=%d,%d", ARGV[4], expiry, connections)
  redis.call("HSET", KEYS[2], viewer, table.concat(leases, ";"))
  redis.call("ZADD", KEYS[1], string.format("%d", math.max(expiry, latest)), viewer)
  add(expiry, connections, connections + elsewhere)
end
settle()
local expired = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", now, "LIMIT", 0, 1000)
if #expired > 0 then
  redis.call("ZREM", KEYS[1], unpack(expired))
  redis.call("HDEL", KEYS[2], unpack(expired))
end
for _, key in ipairs(redis.call("HKEYS", KEYS[3])) do
  if tonumber(key) <= now then
    redis.call("HDEL", KEYS[3], key)
  end
end
for i = 1, 3 do
  redis.call("PEXPIRE", KEYS[i], ARGV[3])
end
redis.call("ZADD", KEYS[4], string.format("%d", expiry), ARGV[5])
return 0
