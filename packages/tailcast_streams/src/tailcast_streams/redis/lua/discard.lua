-- Delete a session's keys, if stream and state still are as the caller saw them.
-- KEYS stream, state, rejected, then those of its index.
-- ARGV channel, what is said there, the position, the stream's last ID.

if position_text(ask_own('HMGET', KEYS[2], unpack(POSITION))) ~= ARGV[3] then return 0 end
if last_id_of(KEYS[1]) ~= ARGV[4] then return 0 end
local refused = refusal_of({
  {'DEL', unpack(KEYS)}, {'PUBLISH', ARGV[1], ''},
})
if refused then return refused end
redis.call('DEL', unpack(KEYS))
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
