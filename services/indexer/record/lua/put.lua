-- Vectors of one partition in a further space: all of them with log entry and receipt, or nothing.
-- KEYS  epoch, items, log, receipt, layout, vectors of the space
-- ARGV  digest ('' for no receipt), answer, receipt's seconds, log's length, log's age in ms, generation of the layout,
--       then of each item its id, its stamp ('' for any) and its vectors
-- Answers {outcome, epoch, position, 0, answer, a digit for each item: 1, or 0 when it is not there or not the same};
-- outcome is written, repeated, conflict, changed (another layout) or gone.
local epoch_key, items_key, log_key, receipt_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local digest, answer = ARGV[1], ARGV[2]
local receipt_s, log_length, log_age_ms = ARGV[3], ARGV[4], tonumber(ARGV[5])

local epoch = redis.call('GET', epoch_key)
if not epoch then return {'gone'} end
if digest ~= '' then
  local known = redis.call('HMGET', receipt_key, 'digest', 'epoch', 'position', 'removed', 'answer', 'made')
  if known[1] and known[1] ~= digest then return {'conflict'} end
  if known[1] then return {'repeated', known[2], known[3], known[4], known[5], known[6]} end
end
if redis.call('HGET', KEYS[5], 'generation') ~= ARGV[6] then return {'changed'} end

local ids, made = {}, {}
for at = 7, #ARGV, 3 do
  local id, stamp = ARGV[at], ARGV[at + 1]
  local record = redis.call('HGET', items_key, id)
  -- Bytes 10 to 17 of a record are its stamp.
  if record and (stamp == '' or stamp == string.sub(record, 10, 17)) then
    redis.call('HSET', KEYS[6], id, ARGV[at + 2])
    ids[#ids + 1] = id
    made[#made + 1] = '1'
  else
    made[#made + 1] = '0'
  end
end
made = table.concat(made)

local position
if #ids > 0 then
  position = redis.call('XADD', log_key, 'MAXLEN', '~', log_length, '*', 'ids', table.concat(ids, '\n'))
  local oldest = tonumber(string.match(position, '^%d+')) - log_age_ms
  redis.call('XTRIM', log_key, 'MINID', '~', string.format('%.0f', math.max(oldest, 0)))
else
  position = redis.call('XREVRANGE', log_key, '+', '-', 'COUNT', 1)[1][1]
end
if digest ~= '' then
  redis.call('HSET', receipt_key, 'digest', digest, 'epoch', epoch, 'position', position, 'removed', 0,
    'answer', answer, 'made', made)
  redis.call('EXPIRE', receipt_key, receipt_s)
end
return {'written', epoch, position, 0, answer, made}
