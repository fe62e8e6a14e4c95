-- One write of one partition: items, log entry and receipt, or nothing.
-- KEYS  epoch, items, log, receipt
-- ARGV  digest ('' for no receipt), answer, receipt's seconds, log's length, log's age in ms,
--       number of items put, then id and record of each, then the ids to remove
-- Answers {outcome, epoch, position, removed, answer}; outcome is written, repeated, conflict or gone.
local epoch_key, items_key, log_key, receipt_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local digest, answer = ARGV[1], ARGV[2]
local receipt_s, log_length, log_age_ms = ARGV[3], ARGV[4], tonumber(ARGV[5])
local puts = tonumber(ARGV[6])

local epoch = redis.call('GET', epoch_key)
if not epoch then return {'gone'} end
if digest ~= '' then
  local known = redis.call('HMGET', receipt_key, 'digest', 'epoch', 'position', 'removed', 'answer')
  if known[1] and known[1] ~= digest then return {'conflict'} end
  if known[1] then return {'repeated', known[2], known[3], known[4], known[5]} end
end

local ids = {}
for at = 7, 6 + 2 * puts, 2 do
  local id, record = ARGV[at], ARGV[at + 1]
  -- Bytes 2 to 9 of a record are the time of the item's first ingest, which a later one does not change.
  local old = redis.call('HGET', items_key, id)
  if old then record = string.sub(record, 1, 1) .. string.sub(old, 2, 9) .. string.sub(record, 10) end
  redis.call('HSET', items_key, id, record)
  ids[#ids + 1] = id
end
local removed = 0
for at = 7 + 2 * puts, #ARGV do
  if redis.call('HDEL', items_key, ARGV[at]) == 1 then
    removed = removed + 1
    ids[#ids + 1] = ARGV[at]
  end
end

local position
if #ids > 0 then
  -- Ids hold no control characters.
  position = redis.call('XADD', log_key, 'MAXLEN', '~', log_length, '*', 'ids', table.concat(ids, '\n'))
  local oldest = tonumber(string.match(position, '^%d+')) - log_age_ms
  redis.call('XTRIM', log_key, 'MINID', '~', string.format('%.0f', math.max(oldest, 0)))
else
  position = redis.call('XREVRANGE', log_key, '+', '-', 'COUNT', 1)[1][1]
end
if digest ~= '' then
  redis.call('HSET', receipt_key, 'digest', digest, 'epoch', epoch, 'position', position, 'removed', removed,
    'answer', answer)
  redis.call('EXPIRE', receipt_key, receipt_s)
end
return {'written', epoch, position, removed, answer}
