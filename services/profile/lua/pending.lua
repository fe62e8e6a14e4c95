-- Whether a packed event waits for its item, as services/profile/packed_event.py says; put before the scripts that ask.
local function is_pending(packed)
  return string.byte(packed, 1) == 2 and string.byte(packed, 3) % 2 == 1
end
