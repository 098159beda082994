-- Write a field of a hash, and answer what stood there before.
-- KEYS the hash.  ARGV the field's name, its new value. Answers nothing if there was none.

local before = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return before
