-- Compare and write: all that changed of a session's index if what is stored is what the
-- caller follows on from, else nothing. A script does not roll back, so every check
-- precedes the first write; and the first write is one that a full broker refuses.
--
-- KEYS  index, metrics, places, places by time, then a key for each level of roll-ups: up to
--       the last one that is changed, and all of them where something is dropped first.
-- ARGV  the expected `at`, the new one, '1' to drop all that is stored first,
--       places beyond this member are dropped first ('' to keep all); with one, roll-ups
--       and places up to there stay where all is dropped,
--       counts of fields, metrics, places, chunks and dropped chunks,
--       then for each field and metric  name, value,
--       for each place          member, score in the one set or '', in the other or '',
--       for each chunk          level's number from 1, field, value,
--       for each dropped chunk  level's number, field.
-- Answers done, conflict or foreign.

local FIXED_ARGUMENTS = 9
local index, metrics, places, places_by_time = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function rollup(number) return KEYS[4 + tonumber(number)] end

-- Set pairs of arguments in a hash; in runs, because a call takes some thousand at most.
local function set(key, first, count)
  for at = first, first + 2 * count - 1, 1000 do
    redis.call('HSET', key, unpack(ARGV, at, math.min(at + 999, first + 2 * count - 1)))
  end
end

-- 1. Compare.
local changes = {{'HSET', index, 'at', ''}, {'HSET', metrics, '', ''}, {'DEL', index}}
if places then
  changes[#changes + 1] = {'ZADD', places, '0', ''}
  changes[#changes + 1] = {'ZADD', places_by_time, '0', ''}
  changes[#changes + 1] = {'ZREVRANGE', places, '0', '0'}
  changes[#changes + 1] = {'ZREM', places, ''}
end
if KEYS[5] then
  changes[#changes + 1] = {'HSET', KEYS[5], '', ''}
  changes[#changes + 1] = {'HDEL', KEYS[5], ''}
end
local refused = refusal_of(changes)
if refused then return refused end
for number, key in ipairs(KEYS) do
  local kind = ask('TYPE', key).ok
  local is_set = number == 3 or number == 4
  if kind ~= 'none' and kind ~= (is_set and 'zset' or 'hash') then
    return 'foreign'
  end
end
if (ask('HGET', index, 'at') or '') ~= ARGV[1] then return 'conflict' end

-- 2. Write.
redis.call('HSET', index, 'at', ARGV[2])
if ARGV[1] == '' or (ARGV[3] == '1' and ARGV[4] == '') then
  redis.call('DEL', unpack(KEYS))
  redis.call('HSET', index, 'at', ARGV[2])
elseif ARGV[3] == '1' then
  redis.call('DEL', index, metrics)
  redis.call('HSET', index, 'at', ARGV[2])
end
if ARGV[4] ~= '' then
  for _, key in ipairs({places, places_by_time}) do
    local last = redis.call('ZREVRANGE', key, 0, 0)[1]
    while last and last > ARGV[4] do
      redis.call('ZREM', key, last)
      last = redis.call('ZREVRANGE', key, 0, 0)[1]
    end
  end
end
local at = FIXED_ARGUMENTS + 1
set(index, at, ARGV[5])
at = at + 2 * ARGV[5]
set(metrics, at, ARGV[6])
at = at + 2 * ARGV[6]
for i = at, at + 3 * ARGV[7] - 1, 3 do
  if ARGV[i + 1] ~= '' then redis.call('ZADD', places, ARGV[i + 1], ARGV[i]) end
  if ARGV[i + 2] ~= '' then redis.call('ZADD', places_by_time, ARGV[i + 2], ARGV[i]) end
end
at = at + 3 * ARGV[7]
-- Those that are dropped stand behind those that are set, and go first.
local first_dropped = at + 3 * ARGV[8]
for i = first_dropped, first_dropped + 2 * ARGV[9] - 1, 2 do
  redis.call('HDEL', rollup(ARGV[i]), ARGV[i + 1])
end
for i = at, first_dropped - 1, 3 do
  redis.call('HSET', rollup(ARGV[i]), ARGV[i + 1], ARGV[i + 2])
end
return 'done'
