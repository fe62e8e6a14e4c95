-- Writes events of one person in one catalogue, in one step.
-- KEYS: main, event ids, acts, acts order, shown, shown order, seen; then the popularity lists, where they live on the
-- same server (list 1 takes every event).
-- ARGV: now, oldest arrival to remember, milliseconds until untouched event ids go, milliseconds until an untouched
-- person goes, time of the oldest event to keep, most event ids, most acts, most shown, most seen, most popular, most
-- acts of a minute, milliseconds until an untouched list goes, catalogue; then for each event: digest, time, type,
-- packed event, whether it is pending ('1' or ''), seen item or '', gained level or '', number of its domain's list.
-- Answers one word for each event, then how many acts there are, how many of them are pending, and the segment or ''.
local main, event_ids, acts, acts_order, shown, shown_order, seen = unpack(KEYS, 1, 7)
local now, oldest, ids_ttl_ms, person_ttl_ms, first_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local most_ids, most_acts, most_shown, most_seen, most_popular, per_minute =
  tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local popular_ttl_ms, catalogue = ARGV[12], ARGV[13]
local FIRST, EACH, LISTS = 14, 8, 7
local UPLOAD, IMPRESSION, GIVEN, PENDING = '8', '9', '1', '1'
local MINUTE_MS, MOST_FIELDS = 60000, 512

local facts = redis.call('HMGET', main, 'consent', 'boundary:' .. catalogue, 'pending:' .. catalogue,
  'segment:' .. catalogue, 'writes:' .. catalogue, 'erased')
local consent, boundary, segment, is_new = facts[1], facts[2], facts[4], not facts[5]
local erased_ms, erased_until
if facts[6] then erased_ms, erased_until = string.match(facts[6], '^(%d+):(%d+)$') end
local refuses_before = erased_ms and tonumber(now) < tonumber(erased_until) and tonumber(erased_ms)
local personalised = consent and string.sub(consent, 1, 1) == GIVEN
local photos = consent and string.sub(consent, 2, 2) == GIVEN
local segmented = consent and string.sub(consent, 3, 3) == GIVEN
local pending, learned, kept_any, touched = tonumber(facts[3] or 0), 0, false, {}

local function known(digest)
  return redis.call('ZSCORE', event_ids, digest)
    or redis.call('ZSCORE', acts_order, digest)
    or redis.call('ZSCORE', shown_order, digest)
end

-- What is settled ends at the boundary. Equal times are told apart by digest, byte by byte, as the set does: Lua's own
-- comparison of strings depends on the server's locale.
local settled_ms, settled_digest
if boundary then settled_ms, settled_digest = string.match(boundary, '^(%d+):(.*)$') end

local function before_or_at(digest, other)
  for at = 1, #digest do
    local one, two = string.byte(digest, at), string.byte(other, at)
    if one ~= two then return one < two end
  end
  return true
end

local function is_settled(time, digest)
  if not settled_ms then return false end
  local one, two = tonumber(time), tonumber(settled_ms)
  return one < two or one == two and before_or_at(digest, settled_digest)
end

local function drop(order, events, digest)
  local packed = pending > 0 and redis.call('HGET', events, digest)
  if packed and is_pending(packed) then pending = pending - 1 end
  redis.call('HDEL', events, digest)
  redis.call('ZREM', order, digest)
end

-- False for an impression that is older than all that are kept.
local function keep_shown(digest, time, packed)
  redis.call('ZADD', shown_order, time, digest)
  if redis.call('ZCARD', shown_order) > most_shown then
    local gone = redis.call('ZPOPMIN', shown_order)[1]
    if gone == digest then return false end
    redis.call('HDEL', shown, gone)
  end
  redis.call('HSET', shown, digest, packed)
  return true
end

local function is_burst(time)
  if not personalised then
    return redis.call('ZCOUNT', event_ids, tonumber(now) - MINUTE_MS, '+inf') >= per_minute
  end
  local minute = time - time % MINUTE_MS
  return redis.call('ZCOUNT', acts_order, minute, minute + MINUTE_MS - 1) >= per_minute
end

local function record(digest, time, type, packed, waits, item, gained, list)
  if not consent then return 'unknown_user' end
  if refuses_before and tonumber(time) <= refuses_before then return 'erased' end
  if type == UPLOAD and not photos then return 'photos_refused' end
  if known(digest) then return 'duplicate' end
  local is_shown, is_waiting = type == IMPRESSION, waits == PENDING
  if is_waiting and (not personalised or is_new and redis.call('HLEN', main) >= MOST_FIELDS) then
    return 'unknown_item'
  end
  if personalised then
    if tonumber(time) < tonumber(first_ms) then return 'too_old' end
    if not is_shown and is_settled(time, digest) then return 'too_old' end
  end
  if not is_shown and is_burst(tonumber(time)) then
    redis.call('ZADD', event_ids, now, digest)
    return 'ignored'
  end
  if personalised then
    if is_shown then
      if not keep_shown(digest, time, packed) then return 'too_old' end
    else
      if redis.call('ZCARD', acts_order) >= most_acts then return 'full' end
      redis.call('ZADD', acts_order, time, digest)
      redis.call('HSET', acts, digest, packed)
      learned = learned + 1
    end
    kept_any = true
    if item ~= '' then redis.call('ZADD', seen, 'GT', time, item) end
  end
  redis.call('ZADD', event_ids, now, digest)
  if is_waiting then
    pending = pending + 1
    return 'pending'
  end
  if gained ~= '' and #KEYS > LISTS then
    for _, key in ipairs({KEYS[LISTS + 1], KEYS[LISTS + tonumber(list)]}) do
      add(key, item, tonumber(gained))
      touched[key] = true
    end
  end
  return personalised and 'learned' or 'counted'
end

if consent then
  redis.call('ZREMRANGEBYSCORE', event_ids, '-inf', oldest)
  for _, digest in ipairs(redis.call('ZRANGEBYSCORE', acts_order, '-inf', '(' .. first_ms)) do
    drop(acts_order, acts, digest)
    learned = learned + 1
  end
  for _, digest in ipairs(redis.call('ZRANGEBYSCORE', shown_order, '-inf', '(' .. first_ms)) do
    drop(shown_order, shown, digest)
  end
  redis.call('ZREMRANGEBYSCORE', seen, '-inf', '(' .. first_ms)
end
local answers = {}
for at = FIRST, #ARGV, EACH do
  answers[#answers + 1] = record(unpack(ARGV, at, at + EACH - 1))
end
if consent then
  if kept_any or learned > 0 then redis.call('HINCRBY', main, 'writes:' .. catalogue, learned) end
  if pending ~= tonumber(facts[3] or 0) then redis.call('HSET', main, 'pending:' .. catalogue, pending) end
  redis.call('ZREMRANGEBYRANK', event_ids, 0, -(most_ids + 1))
  redis.call('PEXPIRE', event_ids, ids_ttl_ms)
  redis.call('ZREMRANGEBYRANK', seen, 0, -(most_seen + 1))
  for _, key in ipairs({main, acts, acts_order, shown, shown_order, seen}) do
    redis.call('PEXPIRE', key, person_ttl_ms)
  end
  for list in pairs(touched) do trim(list, most_popular, popular_ttl_ms) end
end
answers[#answers + 1] = redis.call('ZCARD', acts_order)
answers[#answers + 1] = pending
answers[#answers + 1] = segmented and segment or ''
return answers
