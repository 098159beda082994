-- Put in front of the scripts that need it: what a stream itself says its last ID is,
-- '0-0' without a stream. A stream that is trimmed to nothing keeps its last ID.
local function last_id_of(key)
  local info = redis.pcall('XINFO', 'STREAM', key)
  if info.err then return '0-0' end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

