#!/usr/bin/env bash
# event-source-plus gives the last line of an event's data, and does not wait before it comes back.
#
# Data of more than one line, a log or JSON that was written with an indent, is one `data:` a line
# (HTML, section 9.2.6). Of three lines event-source-plus gives the third, without an error: of a
# traceback the message, of `{`, `"loss": 0.5`, `}` the last bracket. And a `retry: 400` is handed
# to the program, but the library itself comes back at once: a server that ends each stream after 10
# ms has many connections a second. One would bet on all lines with line ends between them, and on
# 400 ms.
#
# Seen with event-source-plus 0.1.15 and eventsource-parser 3.1.1 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit event-source-plus@0.1.15 eventsource-parser@3.1.1

cat >program.mjs <<'PROGRAM'
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { EventSourcePlus } from "event-source-plus";
import { createParser } from "eventsource-parser";

const STREAM = 'retry: 400\ndata: {\ndata:   "loss": 0.5\ndata: }\n\n';

createParser({ onEvent: ({ data }) => console.log("eventsource-parser:", JSON.stringify(data)) }).feed(STREAM);

let connections = 0;
const server = createServer((_, response) => {
  connections++;
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(STREAM);
  setTimeout(() => response.end(), 10);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const received = [];
const source = new EventSourcePlus(`http://127.0.0.1:${server.address().port}`);
const controller = source.listen({ onMessage: (message) => received.push(message) });
await sleep(4000);
controller.abort();
console.log("event-source-plus:", JSON.stringify(received[0].data), "retry", received[0].retry);
console.log("connections in 4 s, more than the 10 that the retry allows:", connections > 10);
process.exit();
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
eventsource-parser: "{\n  \"loss\": 0.5\n}"
event-source-plus: "}" retry 400
connections in 4 s, more than the 10 that the retry allows: true
EXPECTED
echo "as stated"
