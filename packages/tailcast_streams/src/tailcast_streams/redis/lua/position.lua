-- How far a session is, by its state and by the stream itself.
-- KEYS stream, state. Answers the five fields ('' where missing), the stream's last ID,
-- and the digest that the state has of its last entry.

local stored = ask_own('HMGET', KEYS[2],
  'incarnation', 'generation', 'offset', 'last_id', 'last_rejected_id', 'last_digest')
  or {'', '', '', SPOILED_STATE, '', ''}
for i = 1, 6 do stored[i] = stored[i] or '' end
stored[7], stored[6] = stored[6], last_id_of(KEYS[1])
return stored
