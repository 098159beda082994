#!/usr/bin/env bash
# event-source-polyfill takes a stream that is quiet for 45 seconds for a broken one.
#
# An EventSource of a browser waits as long as the connection lives. This one, which is used since
# it can send a token in a header, closes the connection after 45 seconds without a byte, fires an
# `error` with a text of its own, and comes back with the last ID in the address
# (`?lastEventId=`), not in the header `Last-Event-ID`. A server that keeps its streams alive once a
# minute, and looks for the header, thus begins such a run anew all the time. One would bet on a
# polyfill to do what it stands in for.
#
# Seen with event-source-polyfill 1.0.31 on Node.js 20 (it takes 45 seconds). What helps:
# `heartbeatTimeout`, and comments from the server at least each 45 seconds.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit event-source-polyfill@1.0.31

cat >program.mjs <<'PROGRAM'
import http from "node:http";
import polyfill from "event-source-polyfill";

let requests = 0;
const server = http.createServer((request, response) => {
  console.log(`GET ${request.url}, Last-Event-ID: ${request.headers["last-event-id"]}`);
  if (++requests === 2) process.exit();
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("id: 7-1\ndata: a record\n\n");
});
server.listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${server.address().port}/run`;
  const source = new polyfill.EventSourcePolyfill(url);
  source.onmessage = ({ data }) => console.log(`message: ${data}`);
  source.onerror = ({ error }) => console.log(`error: ${error.message.split(".")[0]}`);
});
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
GET /run, Last-Event-ID: undefined
message: a record
error: No activity within 45000 milliseconds
GET /run?lastEventId=7-1, Last-Event-ID: undefined
EXPECTED
echo "as stated"
