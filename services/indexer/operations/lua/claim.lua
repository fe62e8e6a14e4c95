-- Gives a worker the first operation that it may do, and says that its replica is there.
-- KEYS  running, replicas, then operations, oldest first
-- ARGV  replica, worker, lease in ms, ms after which a replica is gone, error of those whose replica is gone,
--       then the name of each operation
-- Answers its name, or '' for none.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('(%.0f', now - tonumber(ARGV[4])))
for at = 3, #KEYS do
  local name = ARGV[at + 3]
  local known = redis.call('HMGET', KEYS[at], 'state', 'target', 'owner', 'lease', 'replica')
  if known[1] ~= 'running' then
    redis.call('HDEL', KEYS[1], name)
  else
    local leased = known[4] and tonumber(known[4]) > now
    -- Another process of the same replica has died, as there is one at a time; and what this one has itself it was given
    -- by a claim whose answer was lost, as it does one at a time.
    if not leased or (known[3] and known[5] == ARGV[1]) then
      if known[2] == '' or known[2] == ARGV[1] then
        redis.call('HSET', KEYS[at], 'owner', ARGV[2], 'replica', ARGV[1],
          'lease', string.format('%.0f', now + tonumber(ARGV[3])))
        return name
      end
      if not redis.call('ZSCORE', KEYS[2], known[2]) then
        redis.call('HSET', KEYS[at], 'state', 'failed', 'error', ARGV[5],
          'ended', string.format('%.0f', now * 1000))
        redis.call('HDEL', KEYS[1], name)
      end
    end
  end
end
return ''
