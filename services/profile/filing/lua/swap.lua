-- Puts a person, unless they have changed since; forgets what a change of consent takes with it; remembers the answer.
-- KEYS: tombstone, main, requests, event ids; then acts, acts order, shown, shown order and seen of each catalogue.
-- ARGV: version expected ('' for nobody), packed person, consent, a fresh life, what to forget, now, a pseudonym for
-- who is new, milliseconds until an untouched person goes, digest of the request id or '', the answer to remember,
-- milliseconds to remember it, most answers; then the catalogues.
-- Answers their pseudonym, or 0 when nothing was done.
local tombstone, main, requests, event_ids = unpack(KEYS, 1, 4)
local version, person, consent, life, forget, now, alias, person_ttl_ms, request, answer, ttl_ms, most =
  unpack(ARGV, 1, 12)
local FIRST, OWN, EACH = 13, 4, 5
local UPLOAD = 8

if (redis.call('HGET', main, 'person') or '') ~= version then return 0 end
if forget ~= '' then
  -- A catalogue that is new since the caller looked would be left behind.
  local known = {}
  for at = FIRST, #ARGV do known[ARGV[at]] = true end
  for _, name in ipairs(redis.call('HKEYS', main)) do
    local catalogue = string.match(name, '^writes:(.*)$')
    if catalogue and not known[catalogue] then return 0 end
  end
end

local function forget_uploads(acts, acts_order)
  local events = redis.call('HGETALL', acts)
  for at = 1, #events, 2 do
    if string.byte(events[at + 1], 2) == UPLOAD then
      redis.call('HDEL', acts, events[at])
      redis.call('ZREM', acts_order, events[at])
    end
  end
end

-- In every space.
local function forget_tastes(catalogue)
  local own = 'taste:' .. catalogue
  for _, name in ipairs(redis.call('HKEYS', main)) do
    if name == own or string.sub(name, 1, #own + 1) == own .. ':' then redis.call('HDEL', main, name) end
  end
end

if forget == 'everything' then redis.call('DEL', event_ids) end
for number = 1, #ARGV - FIRST + 1 do
  local catalogue, key = ARGV[FIRST + number - 1], OWN + (number - 1) * EACH
  if forget == 'everything' then
    redis.call('DEL', unpack(KEYS, key + 1, key + EACH))
    redis.call('HDEL', main, 'writes:' .. catalogue, 'memory:' .. catalogue, 'boundary:' .. catalogue,
      'pending:' .. catalogue, 'segment:' .. catalogue, 'photos:' .. catalogue, 'swept:' .. catalogue)
    forget_tastes(catalogue)
  elseif forget == 'uploads' then
    forget_uploads(KEYS[key + 1], KEYS[key + 2])
    if redis.call('HDEL', main, 'photos:' .. catalogue) == 1 then redis.call('HDEL', main, 'memory:' .. catalogue) end
    forget_tastes(catalogue)
  end
end

-- Whatever catalogue it is of, be it one in which they did nothing.
local function forget_fields(prefix)
  for _, name in ipairs(redis.call('HKEYS', main)) do
    if string.sub(name, 1, #prefix) == prefix then redis.call('HDEL', main, name) end
  end
end
if forget == 'everything' then
  forget_fields('collaborative:')
  forget_fields('told:')
end
if forget == 'everything' or string.sub(consent, 3, 3) ~= '1' then
  forget_fields('segment:')
  -- A kept taste says the segment, too.
  if string.sub(redis.call('HGET', main, 'consent') or '', 3, 3) == '1' then forget_fields('taste:') end
end

redis.call('HSET', main, 'person', person, 'consent', consent)
redis.call('HINCRBY', main, 'puts', 1)
redis.call('HSETNX', main, 'alias', alias)
redis.call('PEXPIRE', main, person_ttl_ms)
if version == '' or forget ~= '' then redis.call('HSET', main, 'life', life, 'since', now) end
if version == '' then
  -- Somebody new who was erased before: what is told of the time before that is not about them.
  local erased = redis.call('GET', tombstone)
  if erased then
    local until_ms = tonumber(now) + redis.call('PTTL', tombstone)
    redis.call('HSET', main, 'erased', erased .. ':' .. string.format('%.0f', until_ms))
  end
end

-- When nothing is refused for it any more, the time of an erasure is nobody's business.
local erased_until = string.match(redis.call('HGET', main, 'erased') or '', ':(%d+)$')
if erased_until and tonumber(erased_until) <= tonumber(now) then redis.call('HDEL', main, 'erased') end

if request ~= '' then
  local first, first_name = nil, nil
  local remembered = redis.call('HGETALL', requests)
  for at = 1, #remembered, 2 do
    local until_ms = tonumber(string.match(remembered[at + 1], '^%d+'))
    if until_ms <= tonumber(now) then
      redis.call('HDEL', requests, remembered[at])
    elseif not first or until_ms < first then
      first, first_name = until_ms, remembered[at]
    end
  end
  if redis.call('HLEN', requests) >= tonumber(most) then redis.call('HDEL', requests, first_name) end
  redis.call('HSET', requests, request, answer)
  redis.call('PEXPIRE', requests, ttl_ms)
end
return redis.call('HGET', main, 'alias')
