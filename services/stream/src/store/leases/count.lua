-- Counts rooms. ARGV: prefixes of the keys of viewers and of sums, then streams. Answers, of each in turn: stream, viewers,
-- connections, the most connections of one viewer.
local counts = {}
for i = 3, #ARGV do
  local stream = ARGV[i]
  local viewers = redis.call("ZCOUNT", ARGV[1] .. stream, later, "+inf")
  local connections, most = 0, 0
  if viewers > 0 then
    local sums = redis.call("HGETALL", ARGV[2] .. stream)
    for j = 1, #sums, 2 do
      if tonumber(sums[j]) > now then
        local number, highest = string.match(sums[j + 1], "(%d+),(%d+)")
        connections = connections + number
        most = math.max(most, highest)
      end
    end
    -- Whoever watches has a connection, also when sums were lost or not yet begun.
    connections = math.max(connections, viewers)
    most = math.min(math.max(most, 1), connections)
  end
  for _, number in ipairs({stream, viewers, connections, most}) do
    counts[#counts + 1] = number
  end
end
return counts
