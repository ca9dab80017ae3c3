-- Counts of the last sixty seconds, as `gateway`'s memory keeps them: a hash with a field for each of 61
-- seconds, their `sum`, and `newest`, the second that was counted last. A second counts until no part of it
-- lies within the minute. Time is the server's, so that the clocks of the nodes do not matter.

local time = redis.call('TIME')
local second = tonumber(time[1])
local now = second * 1000 + math.floor(tonumber(time[2]) / 1000)
local SECONDS = 61

-- The sum, after what is older than a minute has been forgotten, and the second that is counted now.
local function minute_sum(key)
  local head = redis.call('HMGET', key, 'newest', 'sum')
  local newest, sum = tonumber(head[1] or second), tonumber(head[2] or 0)
  if math.abs(second - newest) >= SECONDS then
    redis.call('DEL', key)
    return 0, second
  end
  if newest >= second then return sum, newest end

  local slots = {}
  for gone = newest + 1, second do slots[#slots + 1] = gone % SECONDS end
  for _, count in ipairs(redis.call('HMGET', key, unpack(slots))) do
    sum = sum - tonumber(count or 0)
  end
  redis.call('HDEL', key, unpack(slots))
  redis.call('HSET', key, 'newest', second, 'sum', sum)
  redis.call('PEXPIRE', key, SECONDS * 1000)
  return sum, second
end

-- Adds to what `minute_sum` has just returned.
local function minute_add(key, sum, newest, count)
  redis.call('HINCRBY', key, newest % SECONDS, count)
  redis.call('HSET', key, 'newest', newest, 'sum', sum + count)
  -- Otherwise the key lives until this second has left, as it was touched within it.
  if sum == 0 then redis.call('PEXPIRE', key, SECONDS * 1000) end
end

-- How many milliseconds until less than `limit` is counted, if nothing is added.
local function minute_wait(key, sum, newest, limit)
  local slots = {}
  for old = newest - SECONDS + 1, newest do slots[#slots + 1] = old % SECONDS end
  for place, count in ipairs(redis.call('HMGET', key, unpack(slots))) do
    sum = sum - tonumber(count or 0)
    if sum < limit then return (newest + place) * 1000 - now end
  end
  return 60000
end

