-- Keeps a collaborative vector with the number of events there are now. KEYS: main. ARGV: catalogue, packed vector, when
-- the events were read that it was learned from or ''.
local main, catalogue = KEYS[1], ARGV[1]
local now = redis.call('HMGET', main, 'consent', 'writes:' .. catalogue, 'since')
if not now[1] then return 'unknown_user' end
if string.sub(now[1], 1, 1) ~= '1' then return 'refused' end
if ARGV[3] ~= '' and now[3] and tonumber(ARGV[3]) <= tonumber(now[3]) then return 'outdated' end
-- A taste that is being folded with the vector before is not to be kept after this.
local writes = now[2] and redis.call('HINCRBY', main, 'writes:' .. catalogue, 1) or 0
redis.call('HSET', main, 'collaborative:' .. catalogue, string.format('%.0f', writes) .. ' ' .. ARGV[2])
local own = 'taste:' .. catalogue
for _, name in ipairs(redis.call('HKEYS', main)) do
  if name == own or string.sub(name, 1, #own + 1) == own .. ':' then redis.call('HDEL', main, name) end
end
return 'put'
