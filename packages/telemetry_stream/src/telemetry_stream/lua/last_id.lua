-- Put in front of the scripts that need it: what a stream itself says its last ID is,
-- '0-0' without a stream. A stream that is trimmed to nothing keeps its last ID.
--
-- Only a key that is not there is no stream. Whatever else keeps the broker from telling
-- (a missing permission, another type) ends the script: who reads "none" may delete.
local function last_id_of(key)
  if redis.call('EXISTS', key) == 0 then return '0-0' end
  local info = redis.call('XINFO', 'STREAM', key)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  error({err = 'ERR XINFO STREAM does not tell last-generated-id'})
end

