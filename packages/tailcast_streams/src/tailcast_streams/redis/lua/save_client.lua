-- Keep how far a client is, unless a later hold is stored.
-- KEYS as in clients.lua.  ARGV number of the hold, of the save, `at` or '',
-- '1' to forget what was kept before, '1' if it has proved itself, seconds until it is
-- forgotten if it has, and if not, most sessions, most bytes of its positions, most
-- clients, most bytes of all, then session, cursor, ... Answers kept, anew or refused,
-- how many other clients made room, and how many of its own sessions.

local stored = redis.call('HMGET', key, '!hold', '!save')
local held, saved = tonumber(stored[1] or '0') or 0, tonumber(stored[2] or '0') or 0
local hold = tonumber(ARGV[1])
if held > hold then return {'refused', 0, 0} end
if held == hold and saved >= tonumber(ARGV[2]) then return {'kept', 0, 0} end
local refused = room_refused()
if refused then return refused end

mend()
local now = time_us(redis.call('TIME'))
local size, is_proven = known_client()
is_proven = is_proven or ARGV[5] == '1'
sweep(now, ARGV[6], ARGV[7])
if ARGV[4] == '1' then
  redis.call('DEL', key)
  size = 0
end

-- In runs, because a call takes some thousand arguments at most.
local function write(fields)
  local names = {}
  for i = 1, #fields, 2 do names[#names + 1] = fields[i] end
  local before = redis.call('HMGET', key, unpack(names))
  for i, name in ipairs(names) do
    if is_position(name) then
      local old = before[i] and #name + #before[i] or 0
      size = size + #name + #fields[2 * i] - old
    end
  end
  redis.call('HSET', key, unpack(fields))
end

local fields = {'!hold', ARGV[1], '!save', ARGV[2]}
if ARGV[3] ~= '' then
  fields[5], fields[6] = '!at', ARGV[3]
end
for i = 12, #ARGV do
  fields[#fields + 1] = ARGV[i]
  if #fields >= 1000 then
    write(fields)
    fields = {}
  end
end
if #fields > 0 then write(fields) end

-- A session that makes room comes again from its beginning, so it is noted that some
-- did. Fields of ours are not counted; so many turns, lest a hash that is full of such
-- hold us up.
local surplus = redis.call('HLEN', key) - 2 - tonumber(ARGV[8])
for _, ours in ipairs({'!at', '!emergencies', '!partial', '!starts'}) do
  surplus = surplus - redis.call('HEXISTS', key, ours)
end
local most_bytes, gone = tonumber(ARGV[9]), 0
for _ = 1, TURNS do
  if surplus <= 0 and size <= most_bytes then break end
  local some = redis.call('HRANDFIELD', key, 1000, 'WITHVALUES')
  for i = 1, #some, 2 do
    if surplus <= 0 and size <= most_bytes then break end
    local field = some[i]
    if string.sub(field, 1, 1) ~= '!' then
      redis.call('HDEL', key, field)
      surplus, size, gone = surplus - 1, size - #field - #some[i + 1], gone + 1
    end
  end
end
if gone > 0 then redis.call('HSET', key, '!partial', '1') end

local dropped = make_room(tonumber(ARGV[10]), tonumber(ARGV[11]), #key + size, math.huge)
note_use(now, #key + size, is_proven, ARGV[6], ARGV[7])
return {held == hold and 'kept' or 'anew', dropped, gone}
