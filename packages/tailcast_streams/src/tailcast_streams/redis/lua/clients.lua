-- Put in front of the scripts that store named clients: how much of them is stored.
-- KEYS the client's hash, then what is stored of all clients: those that have proved
-- themselves by their last use, Unix microseconds; the others likewise; the bytes of
-- each, and of all under ''. Members and fields are the keys of clients' hashes.

local key, proven, unproven, sizes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
-- How many turns one call takes at most, so that none holds the broker up.
local TURNS = 100

local function room_refused()
  return refusal_of({
    {'HSET', sizes, '', ''}, {'HDEL', sizes, ''}, {'ZADD', proven, '0', key},
    {'ZREM', proven, key}, {'ZRANGE', proven, '0', '0'}, {'ZCARD', proven},
    {'ZSCORE', proven, key}, {'TYPE', proven}, {'DEL', key}, {'EXPIRE', key, '1'},
  })
end

-- What another program wrote there is made anew: clients count again with their next use.
local function mend()
  for at, kind in ipairs({'zset', 'zset', 'hash'}) do
    local found = redis.call('TYPE', KEYS[at + 1]).ok
    if found ~= 'none' and found ~= kind then redis.call('DEL', KEYS[at + 1]) end
  end
end

local function number_at(name)
  return tonumber(redis.call('HGET', sizes, name) or '0') or 0
end

local function set_size(name, size)
  local total = math.max(0, number_at('') - number_at(name) + size)
  redis.call('HSET', sizes, '', string.format('%.0f', total))
  if size > 0 then
    redis.call('HSET', sizes, name, string.format('%.0f', size))
  else
    redis.call('HDEL', sizes, name)
  end
end

local function is_position(field)
  return string.sub(field, 1, 1) ~= '!' or field == '!emergencies'
end

-- The bytes of the positions that are stored, and whether the client has proved itself.
-- One that is not counted yet, by an earlier version, has.
local function known_client()
  if redis.call('EXISTS', key) == 0 then return 0, false end
  local size = tonumber(redis.call('HGET', sizes, key) or '')
  if size then return size - #key, redis.call('ZSCORE', proven, key) ~= false end
  local fields = redis.call('HGETALL', key)
  size = 0
  for i = 1, #fields, 2 do
    if is_position(fields[i]) then size = size + #fields[i] + #fields[i + 1] end
  end
  return size, true
end

local function drop(name)
  redis.call('DEL', name)
  redis.call('ZREM', proven, name)
  redis.call('ZREM', unproven, name)
  set_size(name, 0)
end

-- Forget what has expired; the broker did that with the hashes themselves.
local function sweep(now, proven_seconds, unproven_seconds)
  for _, one in ipairs({{proven, proven_seconds}, {unproven, unproven_seconds}}) do
    local before = string.format('%.0f', now - 1000000 * one[2])
    for _, name in ipairs(
      redis.call('ZRANGE', one[1], '-inf', '(' .. before, 'BYSCORE', 'LIMIT', 0, 10)
    ) do
      if name ~= key then drop(name) end
    end
  end
end

-- The client that was not used for longest: unproven ones first, then proven ones if
-- they were last used before that time. Never the client itself; nil if there is none.
local function coldest(before)
  for _, set in ipairs({unproven, proven}) do
    local names = redis.call('ZRANGE', set, 0, 1, 'WITHSCORES')
    for i = 1, #names, 2 do
      local is_cold = set == unproven or tonumber(names[i + 1]) < before
      if names[i] ~= key and is_cold then return names[i] end
    end
  end
end

local function is_crowded(most, most_bytes, size)
  local others = redis.call('ZCARD', proven) + redis.call('ZCARD', unproven)
  if redis.call('ZSCORE', proven, key) or redis.call('ZSCORE', unproven, key) then
    others = others - 1
  end
  return others >= most or number_at('') - number_at(key) + size > most_bytes
end

-- Drop others until the client has room; how many went, and whether it has.
local function make_room(most, most_bytes, size, before)
  for dropped = 0, TURNS do
    if not is_crowded(most, most_bytes, size) then return dropped, true end
    local name = coldest(before)
    if name == nil then return dropped, false end
    if dropped < TURNS then drop(name) end
  end
  return TURNS, false
end

local function note_use(now, size, is_proven, proven_seconds, unproven_seconds)
  set_size(key, size)
  local used, other = unproven, proven
  if is_proven then used, other = proven, unproven end
  redis.call('ZADD', used, string.format('%.0f', now), key)
  redis.call('ZREM', other, key)
  redis.call('EXPIRE', key, is_proven and proven_seconds or unproven_seconds)
end

local function time_us(time)
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

