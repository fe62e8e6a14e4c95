-- log2(2^level + 2^gained), as services/profile/popularity.py says; put before the scripts that count.
local function add(list, item, gained)
  local level = redis.call('ZSCORE', list, item)
  if level then
    level = tonumber(level)
    local high, low = math.max(level, gained), math.min(level, gained)
    gained = high + math.log(1 + 2 ^ (low - high)) / math.log(2)
  end
  redis.call('ZADD', list, string.format('%.17g', gained), item)
end

-- Bounds a list that was added to.
local function trim(list, most, ttl_ms)
  redis.call('ZREMRANGEBYRANK', list, 0, -(most + 1))
  redis.call('PEXPIRE', list, ttl_ms)
end
