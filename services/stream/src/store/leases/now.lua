-- Only the clock of Redis counts. `now` is in ms; `later` is the exclusive lower bound of scores that have not expired.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local later = string.format("(%d", now)
