-- Slow mode by the rules of domain::check_slow_mode. KEYS: the user's last message in the room.
-- ARGV: pause in ms, client message id or "". Returns the milliseconds to wait, 0 if the message may be sent.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local pause = tonumber(ARGV[1])
local last = redis.call("GET", KEYS[1])
if last then
  local at, id = string.match(last, "^(%d+) (.*)$")
  local wait = tonumber(at) + pause - now
  if wait > 0 then
    if ARGV[2] ~= "" and id == ARGV[2] then
      return 0
    end
    return wait
  end
end
redis.call("SET", KEYS[1], string.format("%d", now) .. " " .. ARGV[2], "PX", pause)
return 0
