-- Removes a catalogue's entry, unless it is another's by now.
-- KEYS  registry
-- ARGV  name, entry it has
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return redis.status_reply('OK')
