-- Removes a person, and keeps the answer for a while: to the same attempt, sent again, it is the same.
-- KEYS: tombstone, receipt, main, requests, event ids; then acts, acts order, shown, shown order and seen of each
-- catalogue.
-- ARGV: a name of this attempt, milliseconds to keep the answer, now, milliseconds to keep the tombstone, 0 for
-- none, the pseudonym under which other services were told that the person is gone; then the catalogues.
-- Answers "profile events seen taste requests event-ids vectors", how many of each; 0 when nothing was done because a
-- catalogue is missing, or they were erased and put anew, under another pseudonym, since the caller looked; nil when
-- there is no such person.
local tombstone, receipt, main, requests, event_ids = unpack(KEYS, 1, 5)
local attempt, receipt_ms, now, tombstone_ms, alias = unpack(ARGV, 1, 5)
local FIRST, OWN, EACH = 6, 5, 5

local told = redis.call('HGET', receipt, attempt)
if told then return told end
if redis.call('EXISTS', main) == 0 then return nil end
if (redis.call('HGET', main, 'alias') or '') ~= alias then return 0 end

local given = {}
for at = FIRST, #ARGV do given[ARGV[at]] = true end
local tastes, vectors = 0, 0
for _, name in ipairs(redis.call('HKEYS', main)) do
  local catalogue = string.match(name, '^writes:(.*)$')
  if catalogue and not given[catalogue] then return 0 end
  if string.match(name, '^taste:') then tastes = tastes + 1 end
  if string.match(name, '^collaborative:') then vectors = vectors + 1 end
end

local events, seen = 0, 0
for key = OWN, #KEYS - EACH, EACH do
  events = events + redis.call('HLEN', KEYS[key + 1]) + redis.call('HLEN', KEYS[key + 3])
  seen = seen + redis.call('ZCARD', KEYS[key + 5])
end
local counts = {1, events, seen, tastes, redis.call('HLEN', requests), redis.call('ZCARD', event_ids), vectors}
for at = 3, #KEYS do redis.call('DEL', KEYS[at]) end
if tonumber(tombstone_ms) > 0 then redis.call('SET', tombstone, now, 'PX', tombstone_ms) end
told = table.concat(counts, ' ')
redis.call('HSET', receipt, attempt, told)
redis.call('PEXPIRE', receipt, receipt_ms)
return told
