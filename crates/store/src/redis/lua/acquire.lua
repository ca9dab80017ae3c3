-- Takes one permit from every limit, or from none of them.
--
-- KEYS[1] is where the node's connection stands, KEYS[1 + i] where limit i counts. ARGV: the number of the
-- connection; the permit's id; how many milliseconds its lease lasts; how many the day of daily limits is
-- ahead of UTC; how long to wait for concurrency; then for each limit what it counts, and how many. Answers
-- {0, 0}, or which limit refuses longest and for how many milliseconds, or {-1, 0} if the connection is not
-- the one that counts.

-- A question from an earlier connection, held up on its way, has been given up. And a server that does not
-- know the node has forgotten its permits too.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1, 0} end

local id, lease, offset, concurrency_wait = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local DAY = 86400000
local rest_of_day = DAY - (now + offset) % DAY

local refused, longest = 0, 0
local sums, seconds = {}, {}
for i = 1, #KEYS - 1 do
  local key, kind, limit = KEYS[1 + i], ARGV[4 + 2 * i], tonumber(ARGV[5 + 2 * i])
  local wait = 0
  if kind == 'concurrency' then
    -- Leases of nodes that are gone.
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if redis.call('ZCARD', key) >= limit then wait = concurrency_wait end
  elseif kind == 'day' then
    if tonumber(redis.call('GET', key) or 0) >= limit then wait = rest_of_day end
  else
    sums[i], seconds[i] = minute_sum(key)
    if sums[i] >= limit then wait = minute_wait(key, sums[i], seconds[i], limit) end
  end
  if wait > longest then refused, longest = i, wait end
end
if refused > 0 then return {refused, longest} end

for i = 1, #KEYS - 1 do
  local key, kind = KEYS[1 + i], ARGV[4 + 2 * i]
  if kind == 'concurrency' then
    redis.call('ZADD', key, now + lease, id)
    redis.call('PEXPIRE', key, lease)
  elseif kind == 'day' then
    redis.call('INCR', key)
    redis.call('PEXPIRE', key, rest_of_day)
  elseif kind == 'requests' then
    minute_add(key, sums[i], seconds[i], 1)
  end
end
return {0, 0}
