-- Adds to the popularity of items among the people of a segment. KEYS: the set of all such lists of the catalogue, then
-- lists. ARGV: most items of a list, milliseconds until an untouched list goes, then item, gained level and the number of
-- one further list, for each event. List 1 takes every event.
local most, ttl_ms, LISTS = tonumber(ARGV[1]), tonumber(ARGV[2]), 1

for at = 3, #ARGV, 3 do
  local item, gained = ARGV[at], tonumber(ARGV[at + 1])
  add(KEYS[LISTS + 1], item, gained, most, ttl_ms)
  add(KEYS[LISTS + tonumber(ARGV[at + 2])], item, gained, most, ttl_ms)
end
for number = LISTS + 1, #KEYS do
  redis.call('SADD', KEYS[1], KEYS[number])
end
redis.call('PEXPIRE', KEYS[1], ttl_ms)
return #KEYS - LISTS
