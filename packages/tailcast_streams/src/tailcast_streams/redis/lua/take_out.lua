-- Cease to keep a session, if stream and state still are as the caller saw them. These two stay
-- for some seconds, so that readers are told what is gone, and go by themselves.
-- KEYS what people said of it, stream, state, rejected, then those of its index and what its
-- tailer tells.
-- ARGV the position, the stream's last ID, when it is taken out, for how many seconds these two
-- stay, and for how many what people said does.

local edits, stream, state = KEYS[1], KEYS[2], KEYS[3]
if position_text(ask_own('HMGET', state, unpack(POSITION))) ~= ARGV[1] then return 0 end
if last_id_of(stream) ~= ARGV[2] then return 0 end
local refused = refusal_of({
  {'HSET', state, 'taken_out_ms', ''}, {'EXPIRE', stream, '1'}, {'EXPIRE', state, '1'},
  {'EXPIRE', edits, '1'},
  {'DEL', unpack(KEYS, 4)},
})
if refused then return refused end
-- First what a full broker refuses.
redis.call('HSET', state, 'taken_out_ms', ARGV[3])
redis.call('EXPIRE', stream, ARGV[4])
redis.call('EXPIRE', state, ARGV[4])
redis.call('EXPIRE', edits, ARGV[5])
redis.call('DEL', unpack(KEYS, 4))
return 1
