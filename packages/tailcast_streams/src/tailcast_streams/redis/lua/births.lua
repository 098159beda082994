-- Count a session that is about to begin.
-- KEYS the count.  ARGV its name if it begins now. Answers its name and the number, which
-- rises above the last one, and above what is forgotten by the clock.

local key = KEYS[1]
local stored = ask_own('HMGET', key, 'number', 'counter')
if not stored then
  -- Another program wrote it: another count begins.
  redis.call('DEL', key)
  stored = {false, false}
end
local last = tonumber(stored[1] or '0') or 0
local time = redis.pcall('TIME')
local floor = time.err and 0 or time[1] * 1000000 + time[2]
local number = math.max(last + 1, floor)
local text = string.format('%.0f', number)
local counter = stored[2]
if not counter or not string.match(counter, '^%x%x%x%x%x%x%x%x$') then counter = ARGV[1] end
redis.call('HSET', key, 'counter', counter, 'number', text)
return {counter, text}
