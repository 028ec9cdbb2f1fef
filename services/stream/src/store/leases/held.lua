-- What a gateway's call changes. KEYS: 1 viewers by the end of their last lease, 2 leases by viewer, 3 sums by the end of leases.
-- A viewer's leases are `gateway=end,connections`, joined by `;`. A sum is `connections,most`: all connections of the leases that
-- end then, and the most that a viewer of one of them had. A sum is over with its leases, so nobody has to take it away in time.
local changes = {}

-- Adds connections to the sum of an end; written by settle().
local function add(ends, connections, most)
  local change = changes[ends] or {connections = 0, most = 0}
  changes[ends] = {connections = change.connections + connections, most = math.max(change.most, most)}
end

-- Takes a viewer's lease of one gateway, and those that are over, away. Answers those of other gateways, their connections, and
-- when the last of them ends.
local function without(gateway, viewer)
  local others, connections, latest = {}, 0, 0
  local held = redis.call("HGET", KEYS[2], viewer) or ""
  for name, ends, number in string.gmatch(held, "([^=;]+)=(%d+),?(%d*)") do
    ends = tonumber(ends)
    if number == "" then
      -- Written by a version that counted viewers only: one connection, which joins the sums now.
      number = 1
      add(ends, 1, 1)
    end
    if name == gateway then
      add(ends, -number, 0)
    elseif ends > now then
      others[#others + 1] = string.format("%s=%d,%d", name, ends, number)
      connections = connections + number
      latest = math.max(latest, ends)
    end
  end
  return others, connections, latest
end

-- Writes the changed sums. One that Redis has lost is not known to be less than nothing: it begins anew with the next renewal.
local function settle()
  for ends, change in pairs(changes) do
    local key = string.format("%d", ends)
    local connections, most = string.match(redis.call("HGET", KEYS[3], key) or "", "(%d+),(%d+)")
    connections = (tonumber(connections) or 0) + change.connections
    most = math.max(tonumber(most) or 0, change.most)
    if ends > now and connections > 0 then
      redis.call("HSET", KEYS[3], key, string.format("%d,%d", connections, most))
    else
      redis.call("HDEL", KEYS[3], key)
    end
  end
end
