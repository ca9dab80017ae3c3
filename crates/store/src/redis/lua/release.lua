-- Takes back permits that have ended, and counts the tokens they used.
--
-- ARGV: for each key what it counts, and the permit's id or the number of tokens.

for i, key in ipairs(KEYS) do
  local kind, value = ARGV[2 * i - 1], ARGV[2 * i]
  if kind == 'concurrency' then
    redis.call('ZREM', key, value)
  else
    local sum, newest = minute_sum(key)
    minute_add(key, sum, newest, tonumber(value))
  end
end
return 0
