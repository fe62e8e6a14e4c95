-- The log after a position, and whether that position is still part of it: one look at one moment. Changes nothing.
-- KEYS  epoch, log, layout
-- ARGV  position ('' for none), most entries
-- Answers {outcome, epoch, last position, layout, ids of entry, ids of entry, ...}; outcome is
--   found    the entries go on from the position, and `last position` is that of the last entry given; the layout is
--            '' unless one of them, having no ids, says that it changed
--   trimmed  the position is older than the log
--   rewound  the position is no entry, though the log reaches back so far: the record was restored from the past
--   gone     there is no such catalogue
local epoch, position = redis.call('GET', KEYS[1]), ARGV[1]
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if not epoch or not last then return {'gone'} end
if position == '' then return {'found', epoch, last[1], ''} end
if #redis.call('XRANGE', KEYS[2], position, position) == 0 then
  -- The first entry at or after the position is the first of all: what was before it is unknown.
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  local next_one = redis.call('XRANGE', KEYS[2], position, '+', 'COUNT', 1)[1]
  if next_one and next_one[1] == first[1] then return {'trimmed', epoch} end
  return {'rewound', epoch}
end
local entries = redis.call('XRANGE', KEYS[2], '(' .. position, '+', 'COUNT', ARGV[2])
local answer = {'found', epoch, position, ''}
for _, entry in ipairs(entries) do
  answer[3] = entry[1]
  if entry[2][2] == '' then
    answer[4] = redis.call('HGET', KEYS[3], 'layout')
  else
    answer[#answer + 1] = entry[2][2]
  end
end
return answer
