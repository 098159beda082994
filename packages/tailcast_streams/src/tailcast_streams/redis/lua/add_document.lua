-- Append a whole-file emergency once per path and content.
-- KEYS stream, seen.  ARGV channel, what is said there, identity, document, session,
-- path, '1' if it is news, most documents to keep, when the file was written (Unix ms).

local is_seen = ask_own('SISMEMBER', KEYS[2], ARGV[3])
if is_seen == 1 then return 0 end
local refused = refusal_of({
  {'XADD', KEYS[1], '*', 'r', ''}, {'SADD', KEYS[2], ''}, {'PUBLISH', ARGV[1], ''},
})
if refused then return refused end
local last_id = last_id_of(KEYS[1])
if last_id == SPOILED_STREAM or is_seen == nil then
  -- Another program wrote one of them. Both begin anew: tailers have all documents.
  refused = refusal_of({{'DEL', KEYS[1]}, {'DEL', KEYS[2]}})
  if refused then return refused end
  redis.call('DEL', KEYS[1], KEYS[2])
  last_id = '0-0'
end
local number = tonumber(string.match(last_id, '-(%d+)$'))
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[8],
  string.format('1-%.0f', number + 1), 'r', ARGV[4], 'p', last_id, 'k', 'e',
  'session', ARGV[5], 'path', ARGV[6], 'news', ARGV[7], 'id', ARGV[3], 'written', ARGV[9])
redis.call('SADD', KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
