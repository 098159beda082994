#!/usr/bin/env bash
# sockette does not come back from a server that "goes away", and counts none of its attempts.
#
# The close code 1001 is what a server says that is shut down to be started again (RFC 6455, section
# 7.4.1); aiohttp says it at its end. sockette takes it, with 1000 and a close without a code, for
# the end that the program wanted, and stays closed; to 1012 it comes back. And `maxAttempts: 3`
# counts the attempts since the last handshake that went well: a server that opens each connection
# and closes it is asked again and again without end. One would bet on `close()` of one's own side
# to be the only close that is meant, as reconnecting-websocket has it for all codes but 1000.
#
# Seen with sockette 2.0.6 and ws 8.23.0 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit sockette@2.0.6 ws@8.23.0

cat >program.mjs <<'PROGRAM'
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import Sockette from "sockette";
import { WebSocket, WebSocketServer } from "ws";

globalThis.WebSocket = WebSocket;

for (const code of [1000, 1001, 1011, 1012]) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  let connections = 0;
  const manyTimes = new Promise((resolve) => {
    server.on("connection", (connection) => {
      connection.close(code);
      if (++connections === 10) resolve("10 connections and more");
    });
  });
  const client = new Sockette(`ws://127.0.0.1:${server.address().port}`, { timeout: 20, maxAttempts: 3 });
  const quiet = sleep(3000).then(() => `${connections} connection`);
  console.log(`closed with ${code}: ${await Promise.race([manyTimes, quiet])}`);
  client.close();
  server.close();
}
process.exit();
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
closed with 1000: 1 connection
closed with 1001: 1 connection
closed with 1011: 10 connections and more
closed with 1012: 10 connections and more
EXPECTED
echo "as stated"
