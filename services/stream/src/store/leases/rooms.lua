-- Lists the streams that have or recently had viewers, and removes the others.
-- KEYS: 1 rooms. ARGV: 1 how long a stream is kept, in ms.
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", string.format("%d", now - ARGV[1]))
return redis.call("ZRANGE", KEYS[1], 0, -1)
