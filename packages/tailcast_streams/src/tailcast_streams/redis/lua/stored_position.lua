-- Put in front of the scripts that compare: how far a session is, as callers expect it.
--
-- Takes what the state has in the fields of POSITION, nil if its key is spoiled; one
-- text, as `_position_text` of redis/appends.py makes it of what redis/core/replies.py
-- reads. What cannot be read counts as missing there too.
local POSITION = {'incarnation', 'generation', 'offset', 'last_id', 'last_rejected_id'}
local NUMBER, ID = '^%d+$', '^%d+%-%d+$'
local NOTHING = '0 0 0-0 0-0'

local function readable(value, pattern, missing)
  if not value or not string.match(value, pattern) then return missing end
  for digits in string.gmatch(value, '%d+') do
    if #digits > 16 or (#digits > 1 and string.sub(digits, 1, 1) == '0') then
      return missing
    end
  end
  return value
end

local function position_text(stored)
  if not stored then return ' 0 0 ' .. SPOILED_STATE .. ' 0-0' end
  local life = stored[1] or ''
  if #life > 64 or not string.match(life, '^[!-~]*$') then life = '' end
  local generation = readable(stored[2], NUMBER, '0')
  local offset = readable(stored[3], NUMBER, '0')
  local last_id = readable(stored[4], ID, '0-0')
  local last_rejected_id = readable(stored[5], ID, '0-0')
  local rest = table.concat({generation, offset, last_id, last_rejected_id}, ' ')
  if life == '' and rest ~= NOTHING then
    last_id = SPOILED_STATE
    rest = table.concat({generation, offset, last_id, last_rejected_id}, ' ')
  end
  return life .. ' ' .. rest
end

