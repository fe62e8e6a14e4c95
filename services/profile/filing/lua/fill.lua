-- Writes back acts of which more is known now, if they are as they were, and counts the popularity that waited.
-- KEYS: main, acts, acts order, seen; then the popularity lists, where they live on the same server.
-- ARGV: catalogue, life, most popular, milliseconds until an untouched list goes, milliseconds within which the same act
-- on the same item is popularity's once; then for each act: name, SHA-1 of the
-- packed event as it was, packed event or '' when there is no such item, time, item, gained level or '', number of its
-- domain's list. Answers for each act 0: not done, 1: done, 2: done, and it is popularity's now; then the segment or ''.
-- Nothing when the person has changed.
local main, acts, acts_order, seen = unpack(KEYS, 1, 4)
local catalogue, life, most_popular, popular_ttl_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local again_ms = tonumber(ARGV[5])
local FIRST, EACH, LISTS, GIVEN = 6, 7, 4, '1'
local waited = 0

local function forget(name, time, item)
  redis.call('HDEL', acts, name)
  redis.call('ZREM', acts_order, name)
  local last = redis.call('ZSCORE', seen, item)
  if last and tonumber(last) == tonumber(time) then redis.call('ZREM', seen, item) end
end

local function fill(name, digest, packed, time, item, gained, list)
  local was = redis.call('HGET', acts, name)
  if not was or redis.sha1hex(was) ~= digest then return 0 end
  if packed == '' then forget(name, time, item) else redis.call('HSET', acts, name, packed) end
  if not is_pending(was) then return 1 end
  waited = waited + 1
  if packed == '' or is_repeated(acts, acts_order, name, string.byte(packed, 2), item, tonumber(time), again_ms) then
    return 1
  end
  if gained ~= '' and #KEYS > LISTS then
    add(KEYS[LISTS + 1], item, tonumber(gained), most_popular, popular_ttl_ms)
    add(KEYS[LISTS + tonumber(list)], item, tonumber(gained), most_popular, popular_ttl_ms)
  end
  return 2
end

local answers = {}
local facts = redis.call('HMGET', main, 'life', 'consent', 'segment:' .. catalogue)
if facts[1] ~= life then return answers end
for at = FIRST, #ARGV, EACH do
  answers[#answers + 1] = fill(unpack(ARGV, at, at + EACH - 1))
end
if waited > 0 then
  redis.call('HINCRBY', main, 'pending:' .. catalogue, -waited)
  redis.call('HINCRBY', main, 'writes:' .. catalogue, 1)
end
answers[#answers + 1] = facts[2] and string.sub(facts[2], 3, 3) == GIVEN and facts[3] or ''
return answers
