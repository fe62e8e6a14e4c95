-- Removes what a person did in one catalogue and what followed from it. KEYS: main, then acts, acts order, shown, shown
-- order and seen. ARGV: catalogue, a fresh life. Answers whether there was anything.
local main, catalogue, life = KEYS[1], ARGV[1], ARGV[2]
local own = 'taste:' .. catalogue
local removed = redis.call('DEL', unpack(KEYS, 2))

for _, name in ipairs(redis.call('HKEYS', main)) do
  local kind, of = string.match(name, '^(%l+):(.*)$')
  if of == catalogue or string.sub(name, 1, #own + 1) == own .. ':' then
    removed = removed + redis.call('HDEL', main, kind .. ':' .. of)
  end
end
-- What somebody is about to write back is of the life before.
if removed > 0 then redis.call('HSET', main, 'life', life) end
return removed > 0 and 1 or 0
