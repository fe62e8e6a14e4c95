-- Keeps a folded taste, unless the person has moved on. KEYS: main. ARGV: catalogue, life, writes, packed taste.
local main, catalogue = KEYS[1], ARGV[1]
if redis.call('HGET', main, 'life') ~= ARGV[2] then return 0 end
if redis.call('HGET', main, 'writes:' .. catalogue) ~= ARGV[3] then return 0 end
redis.call('HSET', main, 'taste:' .. catalogue, ARGV[4])
return 1
