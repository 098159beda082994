#!/usr/bin/env bash
# reconnecting-websocket and partysocket tell a refused connection as a close with code 1000.
#
# Where nobody listens, `onclose` gets an event with code 1000, "normal closure", before
# `onerror` hears of ECONNREFUSED, and again at each try. A program that takes 1000 for "the
# run is over" (as a server says it) says so of a server that is down. The browser's own
# WebSocket, and `ws` that both are given here, say 1006, after the error. One would bet on
# that event to be passed on.
#
# Seen with reconnecting-websocket 4.4.0, partysocket 1.3.0 and ws 8.23.0 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit reconnecting-websocket@4.4.0 partysocket@1.3.0 ws@8.23.0

cat >program.mjs <<'PROGRAM'
import net from "node:net";
import Reconnecting from "reconnecting-websocket";
import { WebSocket as Party } from "partysocket";
import { WebSocket } from "ws";

// A port that was free a moment ago: nobody listens there.
const server = net.createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const { port } = server.address();
await new Promise((done) => server.close(done));

const url = `ws://127.0.0.1:${port}`;
const options = { WebSocket, minReconnectionDelay: 10, maxReconnectionDelay: 20, maxRetries: 1 };
const clients = [
  ["ws", () => new WebSocket(url)],
  ["reconnecting-websocket", () => new Reconnecting(url, [], options)],
  ["partysocket", () => new Party(url, [], options)],
];
for (const [name, make] of clients) {
  const told = [];
  const client = make();
  client.onerror = (event) => told.push(event.message.match(/ECONNREFUSED/)?.[0] ?? "another error");
  client.onclose = (event) => told.push(`close ${event.code}`);
  await new Promise((done) => setTimeout(done, 1000));
  console.log(`${name}: ${told.join(", ")}`);
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
ws: ECONNREFUSED, close 1006
reconnecting-websocket: close 1000, ECONNREFUSED, close 1000, ECONNREFUSED
partysocket: close 1000, ECONNREFUSED, close 1000, ECONNREFUSED
EXPECTED
echo "as stated"
