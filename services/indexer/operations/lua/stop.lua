-- Asks an operation to stop; one that nobody does ends at once.
-- KEYS  operation, running
-- ARGV  name
local known = redis.call('HMGET', KEYS[1], 'state', 'lease')
if known[1] ~= 'running' then return redis.status_reply('OK') end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('HSET', KEYS[1], 'stopping', '1')
if not known[2] or tonumber(known[2]) <= now then
  redis.call('HSET', KEYS[1], 'state', 'cancelled', 'ended', string.format('%.0f', now * 1000))
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return redis.status_reply('OK')
