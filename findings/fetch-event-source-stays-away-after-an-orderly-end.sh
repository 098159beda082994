#!/usr/bin/env bash
# fetch-event-source comes back from a 404 each second for ever, and not from an orderly end.
#
# The standard (HTML, section 9.2.3) has a client come back when the answer ends, as at each
# restart of a server, and stay away after a 204 or a 404. @microsoft/fetch-event-source does
# both the other way round: a stream that ends in order is over (the promise resolves,
# `retry` and the last ID notwithstanding), a 404 and a 204 are errors, after which it asks
# again each second. It gives comments as empty messages, besides. One would bet on the rules
# of EventSource, in whose place it is used.
#
# Seen with @microsoft/fetch-event-source 2.0.1 on Node.js 20. (`openWhenHidden` is set,
# since there is no document here.)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @microsoft/fetch-event-source@2.0.1

cat >program.mjs <<'PROGRAM'
import http from "node:http";
import source from "@microsoft/fetch-event-source";

const EVENT = "retry: 50\nid: 7\ndata: 0.5\n\n";
const headers = { "Content-Type": "text/event-stream" };
const answers = {
  "ended in order": (response) => response.writeHead(200, headers).end(EVENT),
  "cut off": (response) => {
    response.writeHead(200, headers).write(EVENT);
    setTimeout(() => response.destroy(), 50);
  },
  404: (response) => response.writeHead(404).end(),
  204: (response) => response.writeHead(204).end(),
};
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

for (const [name, answer] of Object.entries(answers)) {
  let requests = 0;
  let enough;
  const third = new Promise((resolve) => (enough = () => resolve("comes back")));
  const server = http.createServer((request, response) => {
    requests += 1;
    if (requests === 3) enough();
    answer(response);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = new AbortController();
  const ended = source
    .fetchEventSource(`http://127.0.0.1:${server.address().port}/`, { signal: stop.signal, openWhenHidden: true })
    .then(() => `over after ${requests} request(s)`);
  console.log(`${name}: ${await Promise.race([third, ended])}`);
  stop.abort();
  server.closeAllConnections();
  server.close();
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
204: comes back
404: comes back
ended in order: over after 1 request(s)
cut off: comes back
EXPECTED
echo "as stated"
