-- Functions that renew.lua and release.lua share.
-- KEYS: 1 viewers by the expiry of their last lease, 2 leases by viewer, 3 sums of connections by expiry.
-- The leases of a viewer are `gateway=expiry,connections`, joined by `;`. A sum is `connections,highest`: the connections
-- of all leases that expire then, and the highest number that one of their viewers had. Sums expire with their leases,
-- so nothing has to be subtracted when a lease expires.
local changes = {}

-- Adds connections to the sum of an expiry. settle() stores it.
local function add(expiry, connections, highest)
  local change = changes[expiry] or {connections = 0, highest = 0}
  changes[expiry] = {
    connections = change.connections + connections,
    highest = math.max(change.highest, highest),
  }
end

-- Removes a viewer's lease of one gateway from the sums. Returns the viewer's unexpired leases of other gateways, their
-- connections, and the latest expiry among them.
local function without(gateway, viewer)
  local others, connections, latest = {}, 0, 0
  local held = redis.call("HGET", KEYS[2], viewer) or ""
  for name, expiry, number in string.gmatch(held, "([^=;]+)=(%d+),?(%d*)") do
    expiry = tonumber(expiry)
    if number == "" then
      -- Stored by a version that counted viewers only: one connection, which is not in the sums yet.
      number = 1
      add(expiry, 1, 1)
    end
    if name == gateway then
      add(expiry, -number, 0)
    elseif expiry > now then
      others[#others + 1] = string.format("%s=%d,%d", name, expiry, number)
      connections = connections + number
      latest = math.max(latest, expiry)
    end
  end
  return others, connections, latest
end

-- Stores the changed sums. Redis may have lost a sum, which then turns negative: it is removed, and the next renewal
-- restores it.
local function settle()
  for expiry, change in pairs(changes) do
    local key = string.format("%d", expiry)
    local connections, highest = string.match(redis.call("HGET", KEYS[3], key) or "", "(%d+),(%d+)")
    connections = (tonumber(connections) or 0) + change.connections
    highest = math.max(tonumber(highest) or 0, change.highest)
    if expiry > now and connections > 0 then
      redis.call("HSET", KEYS[3], key, string.format("%d,%d", connections, highest))
    else
      redis.call("HDEL", KEYS[3], key)
    end
  end
end
