-- Lists the rooms in which somebody is or was a moment ago, and forgets the others. KEYS: rooms. ARGV: ms that they are kept.
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", string.format("%d", now - ARGV[1]))
return redis.call("ZRANGE", KEYS[1], 0, -1)
