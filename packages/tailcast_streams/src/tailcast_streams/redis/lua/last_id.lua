-- Put in front of the scripts that read: how they ask, and what a stream itself says its
-- last ID is, '0-0' without a stream. One that is trimmed to nothing keeps its last ID.
--
-- Only a key that is not there is no stream. Whatever else keeps the broker from telling
-- (a missing permission, another type) ends the script: who reads "none" may delete.
local function ask(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    -- Servers say what an account may not do in words of their own, and without a code.
    if not redis.acl_check_cmd(...) then
      local command, key = ...
      error({err = 'NOPERM this account may not ' .. command .. ' ' .. key})
    end
    error(reply)
  end
  return reply
end

local function last_id_of(key)
  if ask('EXISTS', key) == 0 then return '0-0' end
  local info = ask('XINFO', 'STREAM', key)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  error({err = 'ERR XINFO STREAM does not tell last-generated-id'})
end

