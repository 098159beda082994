-- Delete a session's keys, if stream and state still are as the caller saw them.
-- KEYS stream, state, rejected, then those of its index.
-- ARGV channel, what is said there, incarnation, generation, offset, last_id, last_rejected_id,
--      the stream's last ID.

local stored = ask('HMGET', KEYS[2],
  'incarnation', 'generation', 'offset', 'last_id', 'last_rejected_id')
local defaults = {'', '0', '0', '0-0', '0-0'}
for i = 1, 5 do
  if (stored[i] or defaults[i]) ~= ARGV[i + 2] then return 0 end
end
local last_id = last_id_of(KEYS[1])
if last_id ~= ARGV[8] then return 0 end
local refused = refusal_of({
  {'DEL', unpack(KEYS)}, {'PUBLISH', ARGV[1], ''},
})
if refused then return refused end
redis.call('DEL', unpack(KEYS))
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
