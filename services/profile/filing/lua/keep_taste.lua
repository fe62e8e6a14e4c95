-- Keeps a folded taste, unless the person has moved on. KEYS: main. ARGV: catalogue, life, writes, puts, packed taste,
-- the field it is kept in, segment or ''. Of the tastes in other spaces than that of the latest event, one at a time is kept.
local main, catalogue, field = KEYS[1], ARGV[1], ARGV[6]
local now = redis.call('HMGET', main, 'life', 'writes:' .. catalogue, 'puts')
if now[1] ~= ARGV[2] or now[2] ~= ARGV[3] or (now[3] or '0') ~= ARGV[4] then return 0 end
local own = 'taste:' .. catalogue
if field ~= own then
  for _, name in ipairs(redis.call('HKEYS', main)) do
    if string.sub(name, 1, #own + 1) == own .. ':' and name ~= field then redis.call('HDEL', main, name) end
  end
end
redis.call('HSET', main, field, ARGV[5])
-- Where they belong is told by the space that is searched in, not by one that is being filled.
if field ~= own then return 1 end
if ARGV[7] ~= '' then
  redis.call('HSET', main, 'segment:' .. catalogue, ARGV[7])
else
  redis.call('HDEL', main, 'segment:' .. catalogue)
end
return 1
