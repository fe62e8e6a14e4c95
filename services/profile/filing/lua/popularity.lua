-- log2(2^level + 2^gained), as services/profile/popularity.py says; put before the scripts that count. A list that gets a
-- new item is bounded, and one that is added to lives on.
local function add(list, item, gained, most, ttl_ms)
  local level = redis.call('ZSCORE', list, item)
  if level then
    level = tonumber(level)
    local high, low = math.max(level, gained), math.min(level, gained)
    gained = high + math.log(1 + 2 ^ (low - high)) / math.log(2)
  end
  redis.call('ZADD', list, string.format('%.17g', gained), item)
  if not level then redis.call('ZREMRANGEBYRANK', list, 0, -(most + 1)) end
  if not level or redis.call('PTTL', list) < 0.9 * ttl_ms then redis.call('PEXPIRE', list, ttl_ms) end
end
