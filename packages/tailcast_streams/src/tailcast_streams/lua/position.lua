-- How far a session is, by its state and by the stream itself.
-- KEYS stream, state. Answers the five fields ('' where missing) and the stream's last ID.

local stored = ask('HMGET', KEYS[2],
  'incarnation', 'generation', 'offset', 'last_id', 'last_rejected_id')
for i = 1, 5 do stored[i] = stored[i] or '' end
stored[6] = last_id_of(KEYS[1])
return stored
