-- What is stored of a session, in one step.
-- KEYS stream, state. Answers the stream's last ID, and the state's fields in the order
-- of `STATE_FIELDS`, false where one is missing.

return {last_id_of(KEYS[1]), ask_own('HMGET', KEYS[2],
  'incarnation', 'generation', 'offset', 'last_id', 'last_rejected_id',
  'generation_start', 'backlog_end', 'backlog_generation', 'size', 'last_digest',
  'records', 'rejected', 'emergencies', 'latest_emergency_id', 'birth', 'created_ms',
  'updated_ms', 'appended_ms', 'written_ms', 'text', 'partial_bytes', 'owner', 'path',
  'absent_since_ms', 'head_proof', 'marker_proof', 'past', 'part', 'part_start',
  'taken_out_ms')
  or {false, false, false, SPOILED_STATE, false}}
