-- Begin to hold a client and answer what is kept of it.
-- KEYS the client's hash.  ARGV channel, what everything that is said there begins with,
-- name of the client, what the taker calls itself, seconds until it is forgotten. Answers
-- the hold's number, then field, value, ...
--
-- The number rises above the stored one, and above what is forgotten by the clock;
-- microseconds of Unix time stay below 2^53 until the year 2255.

local stored = redis.call('HGETALL', KEYS[1])
local held = tonumber(redis.call('HGET', KEYS[1], '!hold') or '0') or 0
local time = redis.call('TIME')
local hold = math.max(held + 1, tonumber(time[1]) * 1000000 + tonumber(time[2]))
local text = string.format('%.0f', hold)
local refused = refusal_of({
  {'HSET', KEYS[1], '!hold', ''}, {'EXPIRE', KEYS[1], ARGV[5]}, {'PUBLISH', ARGV[1], ''},
})
if refused then return refused end
redis.call('HSET', KEYS[1], '!hold', text, '!save', '0')
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('PUBLISH', ARGV[1],
  ARGV[2] .. '!taken:' .. text .. ':' .. ARGV[4] .. ':' .. ARGV[3])
table.insert(stored, 1, text)
return stored
