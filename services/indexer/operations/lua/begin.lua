-- Keeps a new operation, unless there is one like it.
-- KEYS  operation, index, running, receipt
-- ARGV  name, fixed fields, replica that must do it, started in us, subject, most running, seconds it is kept,
--       digest ('' for no receipt), receipt's seconds
-- Answers {outcome, name}; outcome is begun (also when it has been before), repeated, conflict, busy or full.
if ARGV[8] ~= '' then
  local known = redis.call('HMGET', KEYS[4], 'digest', 'name')
  if known[1] and known[1] ~= ARGV[8] then return {'conflict', ''} end
  if known[1] then return {'repeated', known[2]} end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'begun', ARGV[1]} end
local running = redis.call('HGETALL', KEYS[3])
for at = 1, #running, 2 do
  if running[at + 1] == ARGV[5] then return {'busy', running[at]} end
end
if #running / 2 >= tonumber(ARGV[6]) then return {'full', ''} end
redis.call('HSET', KEYS[1], 'fixed', ARGV[2], 'target', ARGV[3], 'replica', ARGV[3], 'state', 'running')
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1001)
redis.call('HSET', KEYS[3], ARGV[1], ARGV[5])
if ARGV[8] ~= '' then
  redis.call('HSET', KEYS[4], 'digest', ARGV[8], 'name', ARGV[1])
  redis.call('EXPIRE', KEYS[4], ARGV[9])
end
return {'begun', ARGV[1]}
