-- Ends leases of one gateway in one stream. KEYS: those of held.lua. ARGV: 1 gateway, then viewers.
for i = 2, #ARGV do
  local viewer = ARGV[i]
  local leases, _, latest = without(ARGV[1], viewer)
  if #leases > 0 then
    redis.call("HSET", KEYS[2], viewer, table.concat(leases, ";"))
    redis.call("ZADD", KEYS[1], string.format("%d", latest), viewer)
  else
    redis.call("HDEL", KEYS[2], viewer)
    redis.call("ZREM", KEYS[1], viewer)
  end
end
settle()
return 0
