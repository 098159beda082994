-- Begin to hold a client and answer what is kept of it.
-- KEYS as in clients.lua.  ARGV channel, what everything that is said there begins with,
-- name of the client, what the taker calls itself, seconds until it is forgotten if it
-- has proved itself, and if not, most clients, most bytes of all. Answers how many
-- others made room, the hold's number, then field, value, ...; the number '' if there is
-- no room: nothing is written then.
--
-- The number rises above the stored one, and above what is forgotten by the clock;
-- microseconds of Unix time stay below 2^53 until the year 2255.

local stored = redis.call('HGETALL', key)
local held = tonumber(redis.call('HGET', key, '!hold') or '0') or 0
local now = time_us(redis.call('TIME'))
local hold = math.max(held + 1, now)
local text = string.format('%.0f', hold)
local refused = room_refused() or refusal_of({
  {'HSET', key, '!hold', ''}, {'PUBLISH', ARGV[1], ''},
})
if refused then return refused end

mend()
local size, is_proven = known_client()
sweep(now, ARGV[5], ARGV[6])
local dropped, has_room = 0, true
if #stored == 0 then
  -- A stranger does not push out who was here lately and has proved itself.
  local before = now - 1000000 * ARGV[6]
  dropped, has_room = make_room(tonumber(ARGV[7]), tonumber(ARGV[8]), #key, before)
end
if not has_room then return {tostring(dropped), ''} end

redis.call('HSET', key, '!hold', text, '!save', '0')
note_use(now, #key + size, is_proven, ARGV[5], ARGV[6])
redis.call('PUBLISH', ARGV[1],
  ARGV[2] .. '!taken:' .. text .. ':' .. ARGV[4] .. ':' .. ARGV[3])
table.insert(stored, 1, text)
table.insert(stored, 1, tostring(dropped))
return stored
