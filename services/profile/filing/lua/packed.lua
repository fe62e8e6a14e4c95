-- What scripts look at in a packed event, as services/profile/packed_event.py says; put before those that do.
local HEAD = 30

-- Whether it waits for its item.
local function is_pending(packed)
  return string.byte(packed, 1) == 2 and string.byte(packed, 3) % 2 == 1
end

-- Whether it says that the same was done to the same item, as far as that is known by now.
local function is_alike(packed, type, item)
  if string.byte(packed, 1) ~= 2 or string.byte(packed, 2) ~= type or is_pending(packed) then return false end
  local id_bytes, item_bytes = struct.unpack('<HH', packed, 13)
  return string.sub(packed, HEAD + id_bytes + 1, HEAD + id_bytes + item_bytes) == item
end

-- Whether an act that is kept, but for the one named `own`, is alike and hardly before or after: one act, told twice.
local function is_repeated(acts, acts_order, own, type, item, time, again_ms)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', acts_order, time - again_ms, '(' .. time + again_ms + 1)) do
    local packed = name ~= own and redis.call('HGET', acts, name)
    if packed and is_alike(packed, type, item) then return true end
  end
  return false
end
