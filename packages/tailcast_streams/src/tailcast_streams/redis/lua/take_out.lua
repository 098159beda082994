-- Cease to keep a session, if stream and state still are as the caller saw them. These two stay
-- for some seconds, so that readers are told what is gone, and go by themselves.
-- KEYS stream, state, rejected, then those of its index and what its tailer tells.
-- ARGV the position, the stream's last ID, when it is taken out, and how many seconds.

if position_text(ask_own('HMGET', KEYS[2], unpack(POSITION))) ~= ARGV[1] then return 0 end
if last_id_of(KEYS[1]) ~= ARGV[2] then return 0 end
local refused = refusal_of({
  {'HSET', KEYS[2], 'taken_out_ms', ''}, {'EXPIRE', KEYS[1], '1'}, {'EXPIRE', KEYS[2], '1'},
  {'DEL', unpack(KEYS, 3)},
})
if refused then return refused end
-- First what a full broker refuses.
redis.call('HSET', KEYS[2], 'taken_out_ms', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('DEL', unpack(KEYS, 3))
return 1
