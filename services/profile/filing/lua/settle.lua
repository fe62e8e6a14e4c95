-- Puts a long-term memory in the place of the oldest acts, which went into it, if they still are the oldest.
-- KEYS: main, acts, acts order. ARGV: catalogue, life, boundary expected or '', boundary from now on, packed memory,
-- milliseconds until an untouched person goes, acts that must be left; then the names of the acts in order, perhaps none. Answers 1, or 0:
-- nothing was done.
local main, acts, acts_order = unpack(KEYS)
local catalogue, life, before, after, memory, person_ttl_ms, window = unpack(ARGV, 1, 7)
local FIRST = 8

if redis.call('HGET', main, 'life') ~= life then return 0 end
if (redis.call('HGET', main, 'boundary:' .. catalogue) or '') ~= before then return 0 end
local count = #ARGV - FIRST + 1
local names = count > 0 and redis.call('ZRANGE', acts_order, 0, count - 1) or {}
for at, name in ipairs(names) do
  if name ~= ARGV[FIRST + at - 1] then return 0 end
end
if #names ~= count then return 0 end
-- Somebody else may have settled since the caller counted.
if count > 0 and redis.call('ZCARD', acts_order) - count < tonumber(window) then return 0 end

local UPLOAD = 8
local waited, photos = 0, false
for _, packed in ipairs(count > 0 and redis.call('HMGET', acts, unpack(names)) or {}) do
  if packed and is_pending(packed) then waited = waited + 1 end
  if packed and string.byte(packed, 2) == UPLOAD then photos = true end
end
if count > 0 then
  redis.call('ZREMRANGEBYRANK', acts_order, 0, count - 1)
  redis.call('HDEL', acts, unpack(names))
end
redis.call('HSET', main, 'memory:' .. catalogue, memory, 'boundary:' .. catalogue, after)
-- Who takes back the consent to learn from photos takes back all that they went into.
if photos then redis.call('HSET', main, 'photos:' .. catalogue, 1) end
if waited > 0 then redis.call('HINCRBY', main, 'pending:' .. catalogue, -waited) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, person_ttl_ms) end
return 1
