-- The generic cell rate algorithm, as domain::Rate has it, in microseconds of Redis' own clock, so that replicas need not agree
-- on the time. KEYS: state. ARGV: cost of one, burst, most to take. Answers what was granted, what is left, and the time to wait.
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local cost, burst, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local paid_until = math.max(tonumber(redis.call("GET", KEYS[1]) or now), now)
local room = cost * burst - (paid_until - now)
local free = math.floor(room / cost)
if free < 1 then
  return {0, 0, cost - room}
end
local granted = math.min(free, most)
paid_until = paid_until + cost * granted
redis.call("SET", KEYS[1], string.format("%.0f", paid_until), "PX", math.ceil((paid_until - now) / 1000))
return {granted, free - granted, 0}
