-- Keep how far a client is, unless a later hold is stored.
-- KEYS the client's hash.  ARGV number of the hold, of the save, `at` or '',
-- '1' to forget what was kept before, seconds until the client is forgotten, most
-- sessions, then session, cursor, ... Answers kept, anew or refused.

local key = KEYS[1]
local stored = redis.call('HMGET', key, '!hold', '!save')
local held, saved = tonumber(stored[1] or '0') or 0, tonumber(stored[2] or '0') or 0
local hold = tonumber(ARGV[1])
if held > hold then return 'refused' end
if held == hold and saved >= tonumber(ARGV[2]) then return 'kept' end

if ARGV[4] == '1' then redis.call('DEL', key) end
local fields = {'!hold', ARGV[1], '!save', ARGV[2]}
if ARGV[3] ~= '' then
  fields[5], fields[6] = '!at', ARGV[3]
end
-- In runs, because a call takes some thousand arguments at most.
for i = 7, #ARGV do
  fields[#fields + 1] = ARGV[i]
  if #fields >= 1000 then
    redis.call('HSET', key, unpack(fields))
    fields = {}
  end
end
if #fields > 0 then redis.call('HSET', key, unpack(fields)) end

-- A session that makes room comes again from its beginning, so it is noted that some
-- did. Fields of ours are not counted; so many turns, lest a hash that is full of such
-- hold us up.
local surplus = redis.call('HLEN', key) - 2 - tonumber(ARGV[6])
for _, ours in ipairs({'!at', '!emergencies', '!partial', '!starts'}) do
  surplus = surplus - redis.call('HEXISTS', key, ours)
end
if surplus > 0 then redis.call('HSET', key, '!partial', '1') end
for _ = 1, 100 do
  if surplus <= 0 then break end
  for _, field in ipairs(redis.call('HRANDFIELD', key, math.min(surplus, 1000))) do
    if string.sub(field, 1, 1) ~= '!' then
      surplus = surplus - redis.call('HDEL', key, field)
    end
  end
end
redis.call('EXPIRE', key, ARGV[5])
return held == hold and 'kept' or 'anew'
