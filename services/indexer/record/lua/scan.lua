-- A step of a scan of the items. Cursors follow the order of the hash, which is another one after a restart of the
-- server, as in the replica that takes over: so a cursor is of one run of one server.
-- KEYS  items
-- ARGV  run that the cursor is of ('' for any), cursor, about how many items (0: just the run), '1' for ids only
-- Answers {run, following cursor, {id, record, id, record, ...} or {id, id, ...}}, or {run} when it is another one.
local run = string.sub(string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'), 1, 16)
if ARGV[1] ~= '' and ARGV[1] ~= run then return {run} end
if ARGV[3] == '0' then return {run, '0', {}} end
local found = redis.call('HSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
if ARGV[4] ~= '1' then return {run, found[1], found[2]} end
local ids = {}
for at = 1, #found[2], 2 do ids[#ids + 1] = found[2][at] end
return {run, found[1], ids}
