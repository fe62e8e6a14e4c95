-- Gives a partition a new epoch, unless somebody else did so since.
-- KEYS  epoch
-- ARGV  epoch it has, epoch it shall have
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
return redis.status_reply('OK')
