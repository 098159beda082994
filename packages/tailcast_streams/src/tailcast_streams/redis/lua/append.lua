-- Compare and append: the whole batch if what is stored is what the caller expects,
-- else nothing. A script does not roll back, so every check precedes the first write.
--
-- KEYS  stream, state[, rejected][, edits]: one only if the batch has rejections, the other
--       only if an incarnation begins, because a script that names a missing key gets
--       TRYAGAIN while its slot migrates.
-- ARGV  channel, what is said there,
--       the expected position, and behind a space the digest of owner and path if the
--       batch leaves those as they are,
--       as one text: new incarnation, generation, offset, the counts of entries, rejections
--       and other state fields, and what `USUAL_FIELDS` of redis/appends.py names; '-' for an
--       incarnation, or a field, that stays as it is,
--       then for each entry  <kind><offset>, body
--       (kind is nothing for a record; the body of w and g is a JSON array of fields),
--       for each rejection   offset, reason, length, head,
--       for each other field  name, value.
-- Answers done, conflict or diverged. Offsets stay below 2^53: Lua's numbers are doubles.

local FIXED_ARGUMENTS = 4
local MAX_PUSHED_ENTRIES, MAX_PUSHED_BYTES = 64, 16384
local stream, state, rejected = KEYS[1], KEYS[2], KEYS[3]
local incarnation, generation, offset, entry_count, rejection_count, field_count,
  size, updated_ms, written_ms, marker_proof, last_digest = string.match(ARGV[4],
    '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
entry_count, rejection_count, field_count =
  tonumber(entry_count), tonumber(rejection_count), tonumber(field_count)

local function rises_above(offset, last_id, last_offset)
  if last_offset then return offset > last_offset end
  local split = string.find(last_id, '-', 1, true)
  local last_generation = tonumber(string.sub(last_id, 1, split - 1))
  local new_generation = tonumber(generation)
  return new_generation > last_generation
    or (new_generation == last_generation
        and offset > tonumber(string.sub(last_id, split + 1)))
end

-- 1. Compare.
local stored = ask_own('HMGET', state, 'incarnation', 'generation', 'offset',
  'last_id', 'last_rejected_id', 'records', 'rejected', 'emergencies', 'rate', 'owner', 'path',
  'taken_out_ms', 'last_digest')
if not stored then return 'diverged' end
local last_id = stored[4] or '0-0'
local last_rejected_id = stored[5] or '0-0'
if last_id_of(stream) ~= last_id then return 'diverged' end
if rejection_count > 0 and last_id_of(rejected) ~= last_rejected_id then
  return 'diverged'
end
local position = position_text(stored)
if ARGV[3] ~= position then
  local whose = redis.sha1hex((stored[10] or '') .. '\0' .. (stored[11] or ''))
  if ARGV[3] ~= position .. ' ' .. string.sub(whose, 1, 8) then return 'conflict' end
end
-- What is left of a session that was taken out goes by itself.
if stored[12] then return 'conflict' end

local first_entry = FIXED_ARGUMENTS + 1
local first_rejection = first_entry + 2 * entry_count
local first_field = first_rejection + 4 * rejection_count
local kinds, offsets, last_offset = {}, {}, nil
for i = 1, entry_count do
  local kind, offset = string.match(ARGV[first_entry + 2 * i - 2], '^(%a?)(%d+)$')
  if not offset or not rises_above(tonumber(offset), last_id, last_offset) then
    return redis.error_reply('ERR the IDs of a batch must rise: ' .. tostring(offset))
  end
  kinds[i], offsets[i], last_offset = kind, offset, tonumber(offset)
end
last_offset = nil
for i = 1, rejection_count do
  local offset = tonumber(ARGV[first_rejection + 4 * i - 4])
  if not rises_above(offset, last_rejected_id, last_offset) then
    return redis.error_reply('ERR the IDs of rejections must rise: ' .. offset)
  end
  last_offset = offset
end

local refused = refusal_of({
  {'HSET', state, 'offset', '0'}, {'PUBLISH', ARGV[1], ''},
  entry_count > 0 and {'XADD', stream, '*', 'p', ''} or nil,
})
if not refused and rejection_count > 0 then
  refused = refusal_of({{'XADD', rejected, '*', 'why', ''}})
end
if not refused and incarnation ~= '-' then
  refused = refusal_of({{'PERSIST', KEYS[#KEYS]}})
end
if refused then return refused end

-- 2. Append.
local records, emergencies, latest_emergency_id = 0, 0, nil
for i = 1, entry_count do
  local kind, body = kinds[i], ARGV[first_entry + 2 * i - 1]
  local id = generation .. '-' .. offsets[i]
  if kind == '' then
    redis.call('XADD', stream, id, 'r', body, 'p', last_id)
    records = records + 1
  elseif kind == 'e' then
    redis.call('XADD', stream, id, 'r', body, 'p', last_id, 'k', 'e')
    records, emergencies, latest_emergency_id = records + 1, emergencies + 1, id
  else
    redis.call('XADD', stream, id, 'k', kind, 'p', last_id, unpack(cjson.decode(body)))
  end
  last_id = id
end
for i = 1, rejection_count do
  local at = first_rejection + 4 * i - 4
  last_rejected_id = generation .. '-' .. ARGV[at]
  redis.call('XADD', rejected, 'MAXLEN', '~', 1000, last_rejected_id, 'why', ARGV[at + 1],
    'offset', string.format('%.0f', tonumber(ARGV[at]) - tonumber(ARGV[at + 2]) - 1),
    'length', ARGV[at + 2], 'line', ARGV[at + 3])
end
if incarnation == '-' then
  incarnation = stored[1] or ''
else
  -- What people said of a session that was taken out stays, now that it is back.
  redis.call('PERSIST', KEYS[#KEYS])
end
local function count(before, more)
  return string.format('%.0f', (tonumber(before or '0') or 0) + more)
end
local fields = {'incarnation', incarnation, 'generation', generation, 'offset', offset,
  'last_id', last_id, 'last_rejected_id', last_rejected_id,
  'records', count(stored[6], records), 'rejected', count(stored[7], rejection_count)}
-- By one clock for all tailers and gateways; who may not read it goes without.
local time = redis.pcall('TIME')
if not time.err and entry_count + rejection_count > 0 then
  fields[#fields + 1] = 'appended_ms'
  fields[#fields + 1] = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end
local function set_usual(name, value)
  if value ~= '-' then
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
end
set_usual('size', size)
set_usual('updated_ms', updated_ms)
set_usual('written_ms', written_ms)
set_usual('marker_proof', marker_proof)
set_usual('last_digest', last_digest)
for i = first_field, first_field + 2 * field_count - 1 do
  fields[#fields + 1] = ARGV[i]
end
if latest_emergency_id then
  for _, text in ipairs({'emergencies', count(stored[8], emergencies),
    'latest_emergency_id', latest_emergency_id}) do
    fields[#fields + 1] = text
  end
end
redis.call('HSET', state, unpack(fields))
-- Version 0.1 stored what its records meant too; whoever may not delete leaves it.
if stored[9] then
  redis.pcall('HDEL', state, 'rate', 'latest', 'latest_emergency', 'metrics',
    'metrics_left_out', 'first_step', 'last_step', 'first_time_ms', 'last_time_ms')
end

-- 3. Tell readers. Those who watch the session get small batches themselves, of records
-- alone, with what proves that they follow; who is wakened by name reads. What stands in
-- the stream stands there, so nothing in here may fail.
local pushed_bytes = 0
for i = 1, entry_count do
  pushed_bytes = pushed_bytes + #ARGV[first_entry + 2 * i - 1]
end
local channel = string.sub(stream, 1, -7) .. 'pushes'
if records > 0 and records == entry_count and records <= MAX_PUSHED_ENTRIES
    and pushed_bytes <= MAX_PUSHED_BYTES
    and redis.acl_check_cmd('SPUBLISH', channel, '') then
  local lines = {table.concat({incarnation, generation, stored[4] or '0-0',
    stored[13] or '0', string.match(ARGV[2], '^!%S+ (%d+) ') or '0'}, ' ')}
  for i = 1, entry_count do
    lines[1] = lines[1] .. ' ' .. kinds[i] .. offsets[i]
    lines[i + 1] = ARGV[first_entry + 2 * i - 1]
  end
  redis.pcall('SPUBLISH', channel, table.concat(lines, '\n'))
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 'done'
