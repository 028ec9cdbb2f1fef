-- The generic cell rate algorithm of primitives::Rate, in microseconds of Redis' own clock, so that replicas
-- need not agree on the time.
-- KEYS: the theoretical arrival time. ARGV: interval of one request, burst, maximum to grant.
-- Returns the number granted, the number remaining, and the time to wait if none was granted.
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local interval, burst, max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = math.max(tonumber(redis.call("GET", KEYS[1]) or now), now)
local budget = interval * burst - (arrival - now)
local available = math.floor(budget / interval)
if available < 1 then
  return {0, 0, interval - budget}
end
local granted = math.min(available, max)
arrival = arrival + interval * granted
redis.call("SET", KEYS[1], string.format("%.0f", arrival), "PX", math.ceil((arrival - now) / 1000))
return {granted, available - granted, 0}
