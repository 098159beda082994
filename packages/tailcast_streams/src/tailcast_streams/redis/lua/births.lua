-- Count a session that is about to begin.
-- KEYS the count.  ARGV its name if it begins now. Answers its name and the number, which
-- rises above the last one, and above what is forgotten by the clock.

local key = KEYS[1]
local last = tonumber(redis.call('HGET', key, 'number') or '0') or 0
local time = redis.pcall('TIME')
local floor = time.err and 0 or time[1] * 1000000 + time[2]
local number = math.max(last + 1, floor)
local text = string.format('%.0f', number)
redis.call('HSETNX', key, 'counter', ARGV[1])
redis.call('HSET', key, 'number', text)
return {redis.call('HGET', key, 'counter'), text}
