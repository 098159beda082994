#!/usr/bin/env bash
# ndjson-readablestream ends at a line that is no JSON, as if the stream had ended there.
#
# A loss that is NaN is a bare `NaN` in the JSON lines of Python's json, which `JSON.parse` refuses.
# The reader then stops: no error, no record more, though the stream goes on, and the loop over it
# ends as it does at the end of a run. Of a run that has diverged the page shows the good beginning
# and nothing else. can-ndjson-stream and fetch-ndjson, beside it, throw. One would bet on an error,
# or on the one line to be left out.
#
# Seen with ndjson-readablestream 1.4.0, can-ndjson-stream 1.0.2 and fetch-ndjson 1.2.0 on Node.js
# 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit ndjson-readablestream@1.4.0 can-ndjson-stream@1.0.2 fetch-ndjson@1.2.0

cat >program.mjs <<'PROGRAM'
import can from "can-ndjson-stream";
import fetchNdjson from "fetch-ndjson";
import readable from "ndjson-readablestream";

const LINES = ['{"step":1,"loss":0.5}', '{"step":2,"loss":NaN}', '{"step":3,"loss":0.25}'];
const body = () => ReadableStream.from(LINES.map((line) => new TextEncoder().encode(`${line}\n`)));

async function* canRecords() {
  const reader = can(body()).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}

const readers = {
  "ndjson-readablestream": () => readable(body()),
  "can-ndjson-stream": canRecords,
  "fetch-ndjson": () => fetchNdjson.default(body().getReader()),
};
for (const [name, records] of Object.entries(readers)) {
  const steps = [];
  let end = "ended";
  try {
    for await (const { step } of records()) steps.push(step);
  } catch (error) {
    end = error.name;
  }
  console.log(`${name}: steps ${steps}, ${end}`);
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
ndjson-readablestream: steps 1, ended
can-ndjson-stream: steps 1, SyntaxError
fetch-ndjson: steps 1, SyntaxError
EXPECTED
echo "as stated"
