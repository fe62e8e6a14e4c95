-- Writes events of one person in one catalogue, in one step.
-- KEYS: main, event ids, acts, acts order, shown, shown order, seen; then the popularity lists, where they live on the
-- same server (list 1 takes every event).
-- ARGV: now, oldest arrival to remember, milliseconds until untouched event ids go, most event ids, most acts, most
-- shown, most seen, most popular, milliseconds until an untouched list goes, catalogue; then for each event: digest,
-- time, type, packed event, seen item or '', gained level or '', number of its domain's list.
-- Answers one word for each event.
local main, event_ids, acts, acts_order, shown, shown_order, seen = unpack(KEYS, 1, 7)
local now, oldest, ids_ttl_ms = ARGV[1], ARGV[2], ARGV[3]
local most_ids, most_acts, most_shown, most_seen, most_popular =
  tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local popular_ttl_ms, catalogue = ARGV[9], ARGV[10]
local FIRST, EACH, LISTS = 11, 7, 7
local UPLOAD, IMPRESSION, GIVEN = '8', '9', '1'

local consent = redis.call('HGET', main, 'consent')
local personalised = consent and string.sub(consent, 1, 1) == GIVEN
local photos = consent and string.sub(consent, 2, 2) == GIVEN
local touched = {}

local function known(digest)
  return redis.call('ZSCORE', event_ids, digest)
    or redis.call('ZSCORE', acts_order, digest)
    or redis.call('ZSCORE', shown_order, digest)
end

-- False for an event that is older than the whole window. Equal times are told apart by digest, as the set does.
local function keep(order, events, most, digest, time, packed)
  redis.call('ZADD', order, time, digest)
  if redis.call('ZCARD', order) > most then
    local gone = redis.call('ZPOPMIN', order)[1]
    if gone == digest then return false end
    redis.call('HDEL', events, gone)
  end
  redis.call('HSET', events, digest, packed)
  return true
end

local function record(digest, time, type, packed, item, gained, list)
  if not consent then return 'unknown_user' end
  if type == UPLOAD and not photos then return 'photos_refused' end
  if known(digest) then return 'duplicate' end
  if personalised then
    local is_shown = type == IMPRESSION
    local kept = is_shown and keep(shown_order, shown, most_shown, digest, time, packed)
      or not is_shown and keep(acts_order, acts, most_acts, digest, time, packed)
    if not kept then return 'too_old' end
    redis.call('HINCRBY', main, 'writes:' .. catalogue, is_shown and 0 or 1)
    if item ~= '' then redis.call('ZADD', seen, 'GT', time, item) end
  end
  redis.call('ZADD', event_ids, now, digest)
  if gained ~= '' and #KEYS > LISTS then
    for _, key in ipairs({KEYS[LISTS + 1], KEYS[LISTS + tonumber(list)]}) do
      add(key, item, tonumber(gained))
      touched[key] = true
    end
  end
  return personalised and 'learned' or 'counted'
end

redis.call('ZREMRANGEBYSCORE', event_ids, '-inf', oldest)
local answers = {}
for at = FIRST, #ARGV, EACH do
  answers[#answers + 1] = record(unpack(ARGV, at, at + EACH - 1))
end
redis.call('ZREMRANGEBYRANK', event_ids, 0, -(most_ids + 1))
redis.call('PEXPIRE', event_ids, ids_ttl_ms)
redis.call('ZREMRANGEBYRANK', seen, 0, -(most_seen + 1))
for list in pairs(touched) do trim(list, most_popular, popular_ttl_ms) end
return answers
