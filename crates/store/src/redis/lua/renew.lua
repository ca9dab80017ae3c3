-- Renews the leases of permits that a node holds, and the node's own. A lease that is unknown here is entered
-- again: the permit is held, whatever happened to the server in the meantime.
--
-- KEYS[1] is where the nodes are, KEYS[2] where the node's connection stands, each further key where a permit
-- is. ARGV: the node; the number of its connection; how many milliseconds a lease lasts; then the permit of
-- each further key. Answers how many nodes there are.

-- Held up on its way while the node connected anew: what it held then, it may not hold now.
if tonumber(redis.call('GET', KEYS[2]) or 0) > tonumber(ARGV[2]) then return 0 end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lease = tonumber(ARGV[3])

local function enter(key, holder)
  redis.call('ZADD', key, now + lease, holder)
  redis.call('PEXPIRE', key, lease)
end
enter(KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', lease)
for i = 3, #KEYS do enter(KEYS[i], ARGV[1 + i]) end

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZCARD', KEYS[1])
