-- Keeps a worker's lease on an operation, and what it tells: its progress, or how it ended, or that it leaves.
-- KEYS  operation, running, replicas
-- ARGV  name, replica, worker, lease in ms, seconds it is kept, progress ('' for the same as before),
--       state, error, ended in us
-- Answers {outcome, stopping}; outcome is kept, or lost when it is not this worker's or has ended otherwise.
local known = redis.call('HMGET', KEYS[1], 'owner', 'state', 'stopping')
if known[1] ~= ARGV[3] then return {'lost', ''} end
-- An ending whose answer was lost is told again.
if known[2] ~= 'running' then return {known[2] == ARGV[7] and 'kept' or 'lost', ''} end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'progress', ARGV[6]) end
redis.call('HSET', KEYS[1], 'lease', string.format('%.0f', now + tonumber(ARGV[4])))
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[3], now, ARGV[2])
if ARGV[7] ~= 'running' then
  redis.call('HSET', KEYS[1], 'state', ARGV[7], 'error', ARGV[8], 'ended', ARGV[9])
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return {'kept', known[3] or ''}
