-- The generic cell rate algorithm, as domain::Rate has it. KEYS: state. ARGV: cost of a message in ms, burst.
-- Answers the milliseconds to wait, 0 when the message was taken.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cost = tonumber(ARGV[1])
local paid_until = math.max(tonumber(redis.call("GET", KEYS[1]) or now), now) + cost
local wait = paid_until - now - cost * tonumber(ARGV[2])
if wait > 0 then
  return wait
end
redis.call("SET", KEYS[1], string.format("%d", paid_until), "PX", paid_until - now)
return 0
