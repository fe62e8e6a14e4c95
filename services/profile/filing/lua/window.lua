-- What a person who consents did in a catalogue, all as of one moment. KEYS: main, acts, acts order, shown.
-- ARGV: catalogue, how many acts from the oldest on (0: all), '1' for impressions, too.
-- Answers consent, life, writes, puts, the packed person, the memory, the boundary, the collaborative
-- vector, how many acts follow, and then name
-- and packed event of each act in order and of each impression in none; only nil for a person who does not consent.
local main, acts, acts_order, shown = unpack(KEYS)
local catalogue, count, also_shown = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local AT_ONCE = 1000

local answer = redis.call('HMGET', main, 'consent', 'life', 'writes:' .. catalogue, 'puts', 'person',
  'memory:' .. catalogue, 'boundary:' .. catalogue, 'collaborative:' .. catalogue)
if not answer[1] or string.sub(answer[1], 1, 1) ~= '1' then return nil end
local names = redis.call('ZRANGE', acts_order, 0, count - 1)
answer[9] = #names
for first = 1, #names, AT_ONCE do
  local last = math.min(first + AT_ONCE - 1, #names)
  for at, packed in ipairs(redis.call('HMGET', acts, unpack(names, first, last))) do
    answer[#answer + 1] = names[first + at - 1]
    answer[#answer + 1] = packed
  end
end
if also_shown then
  for _, value in ipairs(redis.call('HGETALL', shown)) do answer[#answer + 1] = value end
end
return answer
