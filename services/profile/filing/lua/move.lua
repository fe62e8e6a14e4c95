-- Files a person, or what is left of one, under other names, in one step. On a single server: which names there are is
-- found out here. KEYS: main as it was, main as it is to be. Answers whether anything was moved.
local before, after = KEYS[1], KEYS[2]
local moved = 0

local function move(suffix)
  if redis.call('EXISTS', before .. suffix) == 1 then
    redis.call('RENAME', before .. suffix, after .. suffix)
    moved = 1
  end
end

-- Whoever is there already stays: they were put anew.
if redis.call('EXISTS', after) == 0 and redis.call('EXISTS', before) == 1 then
  for _, name in ipairs(redis.call('HKEYS', before)) do
    local catalogue = string.match(name, '^writes:(.*)$')
    if catalogue then
      for _, kind in ipairs({'acts', 'acts-order', 'shown', 'shown-order', 'seen'}) do
        move(':' .. kind .. ':' .. catalogue)
      end
    end
  end
  move(':requests')
  move(':event-ids')
  move('')
end
if redis.call('EXISTS', after .. ':erased') == 0 then move(':erased') end
return moved
