-- Keep the emergencies of one session that an indexer has found, or forget all of it. It
-- may be repeated. A script does not roll back, so every check precedes the first write.
--
-- KEYS  times, order, known, records, lives.
-- ARGV  session, its incarnation ('' to forget it), '1' if it is read from its beginning,
--       its life as it is stored, the generation of the life's last cut,
--       where its members begin and end in `order`, most of it, most in all,
--       then for each  member, text behind its time, time or '', when found, record or ''.
-- Answers how many went for the bounds; -1 if nothing was done, as another one is stored.

local FIXED_ARGUMENTS = 9
local times, order, known, records, lives = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local session, incarnation = ARGV[1], ARGV[2]
local from, to = ARGV[6], ARGV[7]

local refused = refusal_of({
  {'ZADD', times, '0', ''}, {'ZADD', order, '0', ''}, {'ZREM', times, ''},
  {'ZREM', order, ''}, {'ZSCORE', times, ''}, {'ZCARD', times}, {'ZLEXCOUNT', order, '', ''},
  {'ZRANGEBYLEX', order, '', ''}, {'ZRANGE', times, '0', '0'}, {'HSET', known, '', ''},
  {'HDEL', known, ''}, {'HSET', records, '', ''}, {'HDEL', records, ''},
  {'HSET', lives, '', ''}, {'HDEL', lives, ''},
})
if refused then return refused end
local life = ask('HGET', lives, session) or ''
local is_other = string.match(life, '^[^ ]*') ~= incarnation
if incarnation ~= '' and life ~= '' and is_other and ARGV[3] ~= '1' then
  return -1
end

local has_changed = false

local function drop(member)
  redis.call('ZREM', times, member)
  redis.call('ZREM', order, member)
  redis.call('HDEL', known, member)
  redis.call('HDEL', records, member)
  has_changed = true
end

-- 1. What is of another life goes, and what is known of this one stays.
if life ~= '' and is_other then
  for _, member in ipairs(redis.call('ZRANGEBYLEX', order, from, to)) do drop(member) end
end
local last_cut = tonumber(string.match(life, ' (%d+):[%d:]+$') or '0')
if incarnation == '' then
  if redis.call('HDEL', lives, session) == 1 then has_changed = true end
elseif life ~= ARGV[4] and (is_other or tonumber(ARGV[5]) >= last_cut) then
  redis.call('HSET', lives, session, ARGV[4])
  has_changed = true
end

-- 2. What was found.
for i = FIXED_ARGUMENTS + 1, #ARGV, 5 do
  local member, time, record = ARGV[i], ARGV[i + 2], ARGV[i + 4]
  if time == '' then
    time = redis.call('ZSCORE', times, member)
    time = time and string.format('%.0f', tonumber(time)) or ARGV[i + 3]
  end
  local text = '{"time":' .. time .. ',' .. ARGV[i + 1]
  if redis.call('HGET', known, member) ~= text then
    redis.call('ZADD', times, time, member)
    redis.call('ZADD', order, 0, member)
    redis.call('HSET', known, member, text)
    if record ~= '' then redis.call('HSET', records, member, record) end
    has_changed = true
  end
end

-- 3. The bounds.
local dropped = 0
local surplus = redis.call('ZLEXCOUNT', order, from, to) - tonumber(ARGV[8])
if surplus > 0 then
  dropped = dropped + surplus
  local first = redis.call('ZRANGEBYLEX', order, from, to, 'LIMIT', 0, surplus)
  for _, member in ipairs(first) do drop(member) end
end
surplus = redis.call('ZCARD', times) - tonumber(ARGV[9])
if surplus > 0 then
  dropped = dropped + surplus
  for _, member in ipairs(redis.call('ZRANGE', times, 0, surplus - 1)) do drop(member) end
end
if has_changed then
  local now = redis.call('TIME')
  redis.call('HSET', lives, '!version', now[1] .. '.' .. now[2])
end
return dropped
