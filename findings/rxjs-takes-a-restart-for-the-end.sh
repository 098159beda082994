#!/usr/bin/env bash
# RxJS: a WebSocket that is closed with 1012 or 1013 completes; `retry` does not come back.
#
# The code is not looked at: whatever close frame arrives, "service restart" and "try again
# later" too, the Observable completes as if the stream had been read to its end, and
# `retry()`, with which its users come back, acts on errors alone. Only a connection that
# breaks without a close frame is an error. So it comes back from a crash of the server and
# not from an orderly restart; one would bet on completion for 1000 alone. What helps:
# `repeat()` beside `retry()`, or the code in `closeObserver`.
#
# Seen with rxjs 7.8.2 and ws 8.23.0 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit rxjs@7.8.2 ws@8.23.0

cat >program.mjs <<'PROGRAM'
import { retry } from "rxjs";
import { webSocket } from "rxjs/webSocket";
import { WebSocket, WebSocketServer } from "ws";

const ends = [
  ["closed with 1000", (socket) => socket.close(1000)],
  ["closed with 1012", (socket) => socket.close(1012, "restart")],
  ["closed with 1013", (socket) => socket.close(1013, "later")],
  ["closed with 4008", (socket) => socket.close(4008, "a mistake")],
  ["cut", (socket) => socket.terminate()],
];
for (const [title, end] of ends) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((done) => server.on("listening", done));
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    end(socket);
  });
  const told = await new Promise((done) => {
    webSocket({ url: `ws://127.0.0.1:${server.address().port}`, WebSocketCtor: WebSocket })
      .pipe(retry({ count: 2, delay: 10 }))
      .subscribe({ error: () => done("error"), complete: () => done("complete") });
  });
  console.log(`${title}: ${connections} connection(s), then ${told}`);
  await new Promise((done) => server.close(done));
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
closed with 1000: 1 connection(s), then complete
closed with 1012: 1 connection(s), then complete
closed with 1013: 1 connection(s), then complete
closed with 4008: 1 connection(s), then complete
cut: 3 connection(s), then error
EXPECTED
echo "as stated"
