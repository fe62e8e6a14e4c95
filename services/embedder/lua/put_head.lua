-- Keeps a head, unless there are too many; remembers what its request id brought.
-- KEYS: about, numbers, request. ARGV: space, about, numbers, most heads, fingerprint or '', seconds to remember it.
-- Answers 'put', 'reused' or 'full'.
local about, numbers, request = unpack(KEYS)
local space, its_about, its_numbers, most, fingerprint, ttl_s = unpack(ARGV)

if fingerprint ~= '' then
  local known = redis.call('GET', request)
  if known then return known == fingerprint and 'put' or 'reused' end
end
if redis.call('HEXISTS', about, space) == 0 and redis.call('HLEN', about) >= tonumber(most) then return 'full' end
redis.call('HSET', numbers, space, its_numbers)
redis.call('HSETNX', about, space, its_about)
if fingerprint ~= '' then redis.call('SET', request, fingerprint, 'EX', ttl_s) end
return 'put'
