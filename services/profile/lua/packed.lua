-- What scripts look at in a packed event, as services/profile/packed_event.py says; put before those that do.
local HEAD = 30

-- Whether it waits for its item.
local function is_pending(packed)
  return string.byte(packed, 1) == 2 and string.byte(packed, 3) % 2 == 1
end
