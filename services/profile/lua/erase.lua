-- Removes a person. KEYS: main, requests, event ids; then acts, acts order, shown, shown order and seen of each
-- catalogue. ARGV: the catalogues.
-- Answers counts of profile, events, seen, taste, requests and event ids; 0 when nothing was done because a catalogue
-- is missing; nil when there is no such person.
local main, requests, event_ids = unpack(KEYS, 1, 3)
local OWN, EACH = 3, 5
if redis.call('EXISTS', main) == 0 then return nil end

local given = {}
for _, catalogue in ipairs(ARGV) do given[catalogue] = true end
local tastes = 0
for _, name in ipairs(redis.call('HKEYS', main)) do
  local catalogue = string.match(name, '^writes:(.*)$')
  if catalogue and not given[catalogue] then return 0 end
  if string.match(name, '^taste:') then tastes = tastes + 1 end
end

local events, seen = 0, 0
for key = OWN, #KEYS - EACH, EACH do
  events = events + redis.call('HLEN', KEYS[key + 1]) + redis.call('HLEN', KEYS[key + 3])
  seen = seen + redis.call('ZCARD', KEYS[key + 5])
end
local counts = {1, events, seen, tastes, redis.call('HLEN', requests), redis.call('ZCARD', event_ids)}
for _, key in ipairs(KEYS) do redis.call('DEL', key) end
return counts
