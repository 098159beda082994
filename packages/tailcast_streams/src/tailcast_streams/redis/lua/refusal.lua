-- Put in front of the scripts that write with several commands. A script does not roll
-- back: what the account may not do is found before the first write, or half is done.
--
-- Takes lists of a command and its first arguments; the error to answer, nil for none.
local function refusal_of(commands)
  for _, command in ipairs(commands) do
    if not redis.acl_check_cmd(unpack(command)) then
      return redis.error_reply('NOPERM this account may not '
        .. table.concat(command, ' ', 1, 2))
    end
  end
end

