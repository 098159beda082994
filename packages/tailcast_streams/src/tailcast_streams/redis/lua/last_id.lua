-- Put in front of the scripts that read: how they ask, and what a stream itself says its
-- last ID is, '0-0' without a stream. One that is trimmed to nothing keeps its last ID.
--
-- A key of another type was written by another program: it stands for what no tailer
-- stores, so that the session is diverged. Whatever else keeps the broker from telling
-- (a missing permission) ends the script: who reads "none" may delete.
local SPOILED_STREAM, SPOILED_STATE = '0-1', '0-2'

-- The reply; nil if the key is of another type.
local function ask_own(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    -- Servers say what an account may not do in words of their own, and without a code.
    if not redis.acl_check_cmd(...) then
      local command, key = ...
      error({err = 'NOPERM this account may not ' .. command .. ' ' .. key})
    end
    if string.find(reply.err, 'WRONGTYPE', 1, true) == 1 then return nil end
    error(reply)
  end
  return reply
end

local function ask(...)
  local reply = ask_own(...)
  if reply == nil then
    local command, key = ...
    error({err = 'WRONGTYPE another program wrote ' .. key})
  end
  return reply
end

local function last_id_of(key)
  if ask('EXISTS', key) == 0 then return '0-0' end
  local info = ask_own('XINFO', 'STREAM', key)
  if not info then return SPOILED_STREAM end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  error({err = 'ERR XINFO STREAM does not tell last-generated-id'})
end

