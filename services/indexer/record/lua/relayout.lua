-- Replaces the layout of one partition and says so in its log.
-- KEYS  epoch, layout, log, vectors of spaces that go
-- ARGV  layout it has, layout it shall have, generation of that
-- Answers {outcome, epoch, position}; outcome is done (also when it has been before), changed (it is neither) or gone.
local epoch = redis.call('GET', KEYS[1])
if not epoch then return {'gone'} end
local present = redis.call('HGET', KEYS[2], 'layout')
if present ~= ARGV[2] then
  if present ~= ARGV[1] then return {'changed'} end
  redis.call('HSET', KEYS[2], 'layout', ARGV[2], 'generation', ARGV[3])
  for number = 4, #KEYS do redis.call('UNLINK', KEYS[number]) end
  redis.call('XADD', KEYS[3], '*', 'ids', '')
end
return {'done', epoch, redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1][1]}
