-- Adds to the popularity of items. KEYS: lists. ARGV: most items of a list, milliseconds until an untouched list goes,
-- then item, gained level and the number of one further list, for each event. List 1 takes every event.
local most, ttl_ms = tonumber(ARGV[1]), tonumber(ARGV[2])

for at = 3, #ARGV, 3 do
  local item, gained = ARGV[at], tonumber(ARGV[at + 1])
  add(KEYS[1], item, gained, most, ttl_ms)
  add(KEYS[tonumber(ARGV[at + 2])], item, gained, most, ttl_ms)
end
return #KEYS
