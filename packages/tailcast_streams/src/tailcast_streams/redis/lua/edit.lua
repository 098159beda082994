-- Store what somebody says of a session, and tell all gateways.
-- KEYS edits, state.  ARGV channel, what is said there, then name, value, ...: nothing as
-- a value takes the name away.  Answers 1, or 0 if there is no such session (any more).

local life, taken_out_ms = unpack(ask('HMGET', KEYS[2], 'incarnation', 'taken_out_ms'))
if not life or taken_out_ms then return 0 end
local refused = refusal_of({
  {'HSET', KEYS[1], '', ''}, {'HDEL', KEYS[1], ''}, {'PUBLISH', ARGV[1], ''},
})
if refused then return refused end
local set, gone = {}, {}
for i = 3, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    gone[#gone + 1] = ARGV[i]
  else
    set[#set + 1], set[#set + 2] = ARGV[i], ARGV[i + 1]
  end
end
if #set > 0 then redis.call('HSET', KEYS[1], unpack(set)) end
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
