#!/usr/bin/env bash
# eventsource-client and launchdarkly-eventsource forget an ID that comes without data.
#
# A server that has nothing to send for a while may say how far it is: `id: 90` and an empty
# line. By the standard (HTML, section 9.2.6) that sets the last event ID and dispatches
# nothing. These two dispatch nothing and keep the old ID, so that after a restart they ask
# for what follows 7, and get 83 events' worth of what was filtered or read before. One
# would bet on 90, as `eventsource` sends.
#
# Seen with eventsource-client 1.2.0, launchdarkly-eventsource 2.2.0, eventsource 5.1.5 on
# Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit eventsource-client@1.2.0 launchdarkly-eventsource@2.2.0 eventsource@5.1.5

cat >program.js <<'PROGRAM'
const http = require("http");
const { createEventSource } = require("eventsource-client");
const launchdarkly = require("launchdarkly-eventsource");
const standard = require("eventsource");

const open = (EventSource) => (url) => new EventSource(url);
const clients = {
  eventsource: open(standard.EventSource ?? standard),
  "eventsource-client": (url) => createEventSource(url),
  "launchdarkly-eventsource": open(launchdarkly.EventSource ?? launchdarkly),
};

(async () => {
  for (const [name, connect] of Object.entries(clients)) {
    let source;
    const second = new Promise((done) => {
      const server = http.createServer((request, response) => {
        const asked = request.headers["last-event-id"];
        if (asked !== undefined) return done(asked);
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.end("retry: 50\nid: 7\ndata: step 7\n\nid: 90\n\n");
      });
      server.listen(0, "127.0.0.1", () => {
        source = connect(`http://127.0.0.1:${server.address().port}/`);
      });
    });
    console.log(`${name} asks with Last-Event-ID: ${await second}`);
    source.close();
  }
  process.exit(0);
})();
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
eventsource asks with Last-Event-ID: 90
eventsource-client asks with Last-Event-ID: 7
launchdarkly-eventsource asks with Last-Event-ID: 7
EXPECTED
echo "as stated"
