#!/usr/bin/env bash
# fetch-event-stream gives an event's ID as a number or as a text, and an indented line without
# indent.
#
# `id: 1796081098555` is a number, `id: 1796081098555-3`, as Redis Streams has it, `id: 007` and
# 9007199254740993 are texts: the type changes from one event to the next, and a comparison by `===`
# with what was kept, or its `.split("-")`, fails for some of them. An event that has an ID and no
# data, which the standard (HTML, section 9.2.6) has not dispatched, arrives, with `data` undefined.
# And all white space behind the colon is taken away, where the standard has one space: a log's
# `data: raise` comes without its indent. One would bet on texts, and on data as it is.
#
# Seen with fetch-event-stream 0.1.6 and eventsource-parser 3.1.1 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit fetch-event-stream@0.1.6 eventsource-parser@3.1.1

cat >program.mjs <<'PROGRAM'
import { createParser } from "eventsource-parser";
import { events } from "fetch-event-stream";

const STREAM = `id: 1796081098555
data: x

id: 1796081098555-3
data: x

id: 9007199254740993
data: x

id: 9

data: for loss in losses:
data:     raise Diverged

`;

console.log("fetch-event-stream");
for await (const event of events(new Response(STREAM))) console.log("  ", JSON.stringify(event));
console.log("eventsource-parser");
const onEvent = (event) => console.log("  ", JSON.stringify(event));
createParser({ onEvent }).feed(STREAM);
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
fetch-event-stream
   {"id":1796081098555,"data":"x"}
   {"id":"1796081098555-3","data":"x"}
   {"id":"9007199254740993","data":"x"}
   {"id":9}
   {"data":"for loss in losses:\nraise Diverged"}
eventsource-parser
   {"id":"1796081098555","data":"x"}
   {"id":"1796081098555-3","data":"x"}
   {"id":"9007199254740993","data":"x"}
   {"data":"for loss in losses:\n    raise Diverged"}
EXPECTED
echo "as stated"
