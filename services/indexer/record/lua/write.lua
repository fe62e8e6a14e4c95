-- One write of one partition: items, log entry and receipt, or nothing.
-- KEYS  epoch, items, log, receipt, layout, raw features, vectors of each further space
-- ARGV  digest ('' for no receipt), answer, receipt's seconds, log's length, log's age in ms,
--       generation of the layout, most items (-1 for any number), number of items put,
--       then of each its id, its record, its raw features and its vectors in each further space ('' for none),
--       then the ids to remove
-- Answers {outcome, epoch, position, removed, answer, a digit for each item put: 1, or 0 when there was no room for it};
-- outcome is written, repeated, conflict, changed (another layout) or gone.
local epoch_key, items_key, log_key, receipt_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local digest, answer = ARGV[1], ARGV[2]
local receipt_s, log_length, log_age_ms = ARGV[3], ARGV[4], tonumber(ARGV[5])
local room, puts = tonumber(ARGV[7]), tonumber(ARGV[8])
local width = 2 + #KEYS - 5

local epoch = redis.call('GET', epoch_key)
if not epoch then return {'gone'} end
if digest ~= '' then
  local known = redis.call('HMGET', receipt_key, 'digest', 'epoch', 'position', 'removed', 'answer', 'made')
  if known[1] and known[1] ~= digest then return {'conflict'} end
  if known[1] then return {'repeated', known[2], known[3], known[4], known[5], known[6]} end
end
if redis.call('HGET', KEYS[5], 'generation') ~= ARGV[6] then return {'changed'} end

-- Of what is beside the records: which of it is there at all, so that nothing is looked for in vain.
local beside = {}
for number = 6, #KEYS do beside[number] = redis.call('EXISTS', KEYS[number]) == 1 end

local ids, made = {}, {}
local count = room >= 0 and redis.call('HLEN', items_key) or 0
for put = 1, puts do
  local at = 9 + (put - 1) * width
  local id, record = ARGV[at], ARGV[at + 1]
  -- Bytes 2 to 9 of a record are the time of the item's first ingest, which a later one does not change.
  local old = redis.call('HGET', items_key, id)
  if not old and room >= 0 and count >= room then
    made[put] = '0'
  else
    if old then
      record = string.sub(record, 1, 1) .. string.sub(old, 2, 9) .. string.sub(record, 10)
    else
      count = count + 1
    end
    redis.call('HSET', items_key, id, record)
    for number = 6, #KEYS do
      local value = ARGV[at + number - 4]
      if value ~= '' then
        redis.call('HSET', KEYS[number], id, value)
      elseif old and beside[number] then
        redis.call('HDEL', KEYS[number], id)
      end
    end
    ids[#ids + 1] = id
    made[put] = '1'
  end
end
local removed = 0
for at = 9 + puts * width, #ARGV do
  if redis.call('HDEL', items_key, ARGV[at]) == 1 then
    for number = 6, #KEYS do
      if beside[number] then redis.call('HDEL', KEYS[number], ARGV[at]) end
    end
    removed = removed + 1
    ids[#ids + 1] = ARGV[at]
  end
end
made = table.concat(made)

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
    'answer', answer, 'made', made)
  redis.call('EXPIRE', receipt_key, receipt_s)
end
return {'written', epoch, position, removed, answer, made}
