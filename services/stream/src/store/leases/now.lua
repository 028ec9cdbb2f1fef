-- Redis' own clock is the only one that counts: `now` in ms, and `later`, the least score of a lease that has not ended.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local later = string.format("(%d", now)
