-- Store what a tailer tells of a session besides its records, while it has this life.
-- KEYS about, state.  ARGV incarnation, then name, value, ...  Answers 1 or 0.

if ask('HGET', KEYS[2], 'incarnation') ~= ARGV[1] then return 0 end
local refused = refusal_of({{'HSET', KEYS[1], '', ''}, {'DEL', KEYS[1]}})
if refused then return refused end
-- First what a full broker refuses.
if #ARGV > 1 then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], unpack(ARGV, 2))
else
  redis.call('DEL', KEYS[1])
end
return 1
