-- Counts the viewers of streams. ARGV: 1 key prefix of viewers, 2 key prefix of sums, then streams.
-- Returns four numbers per stream: its id, viewers, connections, and the highest number of connections of one viewer.
local counts = {}
for i = 3, #ARGV do
  local stream = ARGV[i]
  local viewers = redis.call("ZCOUNT", ARGV[1] .. stream, later, "+inf")
  local connections, highest = 0, 0
  if viewers > 0 then
    local sums = redis.call("HGETALL", ARGV[2] .. stream)
    for j = 1, #sums, 2 do
      if tonumber(sums[j]) > now then
        local number, of_one = string.match(sums[j + 1], "(%d+),(%d+)")
        connections = connections + number
        highest = math.max(highest, of_one)
      end
    end
    -- Every viewer has a connection, even if Redis has lost the sums.
    connections = math.max(connections, viewers)
    highest = math.min(math.max(highest, 1), connections)
  end
  for _, number in ipairs({stream, viewers, connections, highest}) do
    counts[#counts + 1] = number
  end
end
return counts
