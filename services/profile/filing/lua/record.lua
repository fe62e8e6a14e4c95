-- Writes events of one person in one catalogue, in one step.
-- KEYS: main, event ids, acts, acts order, shown, shown order, seen; then the popularity lists, where they live on the
-- same server (list 1 takes every event).
-- ARGV: catalogue; packed doubles: now, oldest arrival to remember, milliseconds until untouched event ids go,
-- milliseconds until an untouched person goes, time of the oldest event to keep, most event ids, most acts, most shown,
-- most seen, most popular, most acts of a minute, milliseconds until an untouched list goes, milliseconds within which
-- the same act on the same item is popularity's once, how often a day it counts the same act on the same item; then for each event, packed: digest, digest of what was done to
-- what, gained level, number of its domain's list or 0 when it counts in none here, and the packed event.
-- Answers in one text, for a list would be read piece by piece: a word for each event, with a `+` when it repeats
-- another, then how many acts there are, how many of them are pending, and the segment or ''.
local main, event_ids, acts, acts_order, shown, shown_order, seen = unpack(KEYS, 1, 7)
local catalogue = ARGV[1]
local now, oldest, ids_ttl_ms, person_ttl_ms, first_ms, most_ids, most_acts, most_shown, most_seen, most_popular,
  per_minute, popular_ttl_ms, again_ms, most_alike = struct.unpack('<dddddddddddddd', ARGV[2])
local FIRST, LISTS = 3, 7
local UPLOAD, IMPRESSION, GIVEN = 8, 9, '1'
local MINUTE_MS, DAY_MS, STEP_MS, MOST_FIELDS = 60000, 86400000, 1 / 2048, 512
local NO_ACT = string.rep('\0', 16)

local facts = redis.call('HMGET', main, 'consent', 'boundary:' .. catalogue, 'pending:' .. catalogue,
  'segment:' .. catalogue, 'writes:' .. catalogue, 'swept:' .. catalogue, 'erased', 'told:' .. catalogue)
local consent, boundary, segment, is_new, swept = facts[1], facts[2], facts[4], not facts[5], tonumber(facts[6] or -1)
local erased_ms, erased_until
if facts[7] then erased_ms, erased_until = string.match(facts[7], '^(%d+):(%d+)$') end
local refuses_before = erased_ms and now < tonumber(erased_until) and tonumber(erased_ms)
local personalised = consent and string.sub(consent, 1, 1) == GIVEN
local photos = consent and string.sub(consent, 2, 2) == GIVEN
local segmented = consent and string.sub(consent, 3, 3) == GIVEN
local pending, learned, kept_any = tonumber(facts[3] or 0), 0, false
local count = redis.call('ZCARD', acts_order)

local function known(digest)
  local arrived = redis.call('ZSCORE', event_ids, digest)
  return arrived and tonumber(arrived) > oldest or redis.call('ZSCORE', acts_order, digest)
    or redis.call('ZSCORE', shown_order, digest)
end

-- What is settled ends at the boundary. Of the same millisecond as its last act, what comes later stands after it, but
-- for what has gone there before, whose names the boundary holds.
local settled_ms = boundary and tonumber(string.match(boundary, '^%d+'))

local function is_settled(time, digest)
  if not settled_ms then return false end
  return time < settled_ms or time == settled_ms and string.find(boundary, '\n' .. digest .. '\n', 1, true)
end

-- Where an act stands: after those of the same millisecond that came before it. A double has so many fractions of one
-- until the year 2109.
local function place_of(time)
  local last = redis.call('ZREVRANGEBYSCORE', acts_order, '(' .. time + 1, time, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  return last and math.min(tonumber(last) + STEP_MS, time + 1 - STEP_MS) or time
end

local function drop(order, events, digest)
  local packed = pending > 0 and redis.call('HGET', events, digest)
  if packed and is_pending(packed) then pending = pending - 1 end
  redis.call('HDEL', events, digest)
  redis.call('ZREM', order, digest)
end

-- Drops what is too old and puts off the end of all there is: once a day, which is often enough for days.
local function sweep()
  for _, digest in ipairs(redis.call('ZRANGEBYSCORE', acts_order, '-inf', '(' .. first_ms)) do
    drop(acts_order, acts, digest)
    learned, count = learned + 1, count - 1
  end
  for _, digest in ipairs(redis.call('ZRANGEBYSCORE', shown_order, '-inf', '(' .. first_ms)) do
    drop(shown_order, shown, digest)
  end
  redis.call('ZREMRANGEBYSCORE', seen, '-inf', '(' .. first_ms)
  redis.call('ZREMRANGEBYSCORE', event_ids, '-inf', oldest)
end

local function put_off(...)
  for _, key in ipairs({...}) do redis.call('PEXPIRE', key, person_ttl_ms) end
end

-- False for an impression that is older than all that are kept.
local function keep_shown(digest, time, packed)
  redis.call('ZADD', shown_order, time, digest)
  local number = redis.call('ZCARD', shown_order)
  if number > most_shown then
    local gone = redis.call('ZPOPMIN', shown_order)[1]
    if gone == digest then return false end
    redis.call('HDEL', shown, gone)
  end
  redis.call('HSET', shown, digest, packed)
  if number == 1 then put_off(shown, shown_order) end
  return true
end

local function see(item, time)
  if redis.call('ZADD', seen, 'GT', time, item) == 0 then return end
  local number = redis.call('ZCARD', seen)
  if number > most_seen then redis.call('ZREMRANGEBYRANK', seen, 0, -(most_seen + 1)) end
  if number == 1 then put_off(seen) end
end

local function is_burst(time)
  if not personalised then
    return redis.call('ZCOUNT', event_ids, now - MINUTE_MS, '+inf') >= per_minute
  end
  local minute = time - time % MINUTE_MS
  return count >= per_minute
    and redis.call('ZCOUNT', acts_order, minute, '(' .. minute + MINUTE_MS) >= per_minute
end

local function why_not(digest, time, type, waits)
  if not consent then return 'unknown_user' end
  if refuses_before and time <= refuses_before then return 'erased' end
  if type == UPLOAD and not photos then return 'photos_refused' end
  if known(digest) then return 'duplicate' end
  if waits and (not personalised or is_new and redis.call('HLEN', main) >= MOST_FIELDS) then return 'unknown_item' end
  if time < first_ms then return 'expired' end
  if personalised and type ~= IMPRESSION and is_settled(time, digest) then return 'too_old' end
  return nil
end

-- Of somebody of whom acts are kept, by these: the latest time an item was seen tells at once that there are none,
-- where as many items are kept as acts. Else by when they came: what was done to what is known until then.
local function repeats(act, type, item, time)
  if not personalised then
    local until_ms = redis.call('ZSCORE', event_ids, act)
    redis.call('ZADD', event_ids, oldest + again_ms, act)
    return until_ms and tonumber(until_ms) > oldest
  end
  if most_seen >= most_acts then
    local last = redis.call('ZSCORE', seen, item)
    if not last or tonumber(last) < time - again_ms then return false end
  end
  return is_repeated(acts, acts_order, '', type, item, time, again_ms)
end

-- What popularity has counted of the person today, lest one of them makes an item popular: pieces of the beginning of the
-- digest of what was done to what and of how often, the latest.
local PIECE, MOST_PIECES = 9, 256
local today = math.floor(now / DAY_MS)
local told_on, told = string.match(facts[8] or '', '^(%d+):(.*)$')
if tonumber(told_on or -1) ~= today then told = '' end
local is_told_more = false

-- Whether it counts the same act on the same item no more today; else it is counted.
local function is_enough(act)
  local own, at = string.sub(act, 1, PIECE - 1), 1
  while true do
    at = string.find(told, own, at, true)
    if not at then break end
    if at % PIECE == 1 then
      local times = string.byte(told, at + PIECE - 1)
      if times >= most_alike then return true end
      told = string.sub(told, 1, at + PIECE - 2) .. string.char(times + 1) .. string.sub(told, at + PIECE)
      is_told_more = true
      return false
    end
    at = at + 1
  end
  told = string.sub(told .. own .. string.char(1), -PIECE * MOST_PIECES)
  is_told_more = true
  return false
end

local function record(given)
  local digest, act, gained, list, at = struct.unpack('<c16c16dH', given)
  local packed = string.sub(given, at)
  local type, waits = string.byte(packed, 2), is_pending(packed)
  local time, id_bytes, item_bytes = struct.unpack('<i8HH', packed, 5)
  local refused = why_not(digest, time, type, waits)
  if refused then return refused end
  if type ~= IMPRESSION and is_burst(time) then return 'ignored' end
  local item = string.sub(packed, HEAD + id_bytes + 1, HEAD + id_bytes + item_bytes)
  local again = false
  if personalised and type == IMPRESSION then
    if not keep_shown(digest, time, packed) then return 'too_old' end
  elseif personalised then
    if count >= most_acts then return 'full' end
    again = act ~= NO_ACT and not waits and repeats(act, type, item, time)
    redis.call('ZADD', acts_order, string.format('%.17g', place_of(time)), digest)
    redis.call('HSET', acts, digest, packed)
    learned, count = learned + 1, count + 1
    if count == 1 then put_off(acts, acts_order) end
    if item ~= '' then see(item, time) end
  end
  -- An impression of which nothing is kept moves nothing, however often it comes; its id would count towards a burst.
  if not personalised and type == IMPRESSION then return 'counted' end
  kept_any = kept_any or personalised
  redis.call('ZADD', event_ids, now, digest)
  if waits then
    pending = pending + 1
    return 'pending'
  end
  if not personalised and act ~= NO_ACT then again = repeats(act, type, item, time) end
  again = again or act ~= NO_ACT and is_enough(act)
  if list > 0 and not again then
    add(KEYS[LISTS + 1], item, gained, most_popular, popular_ttl_ms)
    add(KEYS[LISTS + list], item, gained, most_popular, popular_ttl_ms)
  end
  return (personalised and 'learned' or 'counted') .. (again and '+' or '')
end

if personalised and swept ~= today or consent and not personalised then sweep() end
local answers = {}
for at = FIRST, #ARGV do answers[#answers + 1] = record(ARGV[at]) end
if consent then
  if kept_any or learned > 0 then redis.call('HINCRBY', main, 'writes:' .. catalogue, learned) end
  if pending ~= tonumber(facts[3] or 0) then redis.call('HSET', main, 'pending:' .. catalogue, pending) end
  if is_told_more then redis.call('HSET', main, 'told:' .. catalogue, today .. ':' .. told) end
  redis.call('ZREMRANGEBYRANK', event_ids, 0, -(most_ids + 1))
  redis.call('PEXPIRE', event_ids, ids_ttl_ms)
  if not personalised then
    put_off(main)
  elseif swept ~= today then
    if kept_any then redis.call('HSET', main, 'swept:' .. catalogue, today) end
    put_off(main, acts, acts_order, shown, shown_order, seen)
  end
end
answers[#answers + 1] = count
answers[#answers + 1] = pending
answers[#answers + 1] = segmented and segment or ''
return table.concat(answers, ' ')
