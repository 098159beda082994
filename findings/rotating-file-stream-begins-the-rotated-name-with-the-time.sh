#!/usr/bin/env bash
# rotating-file-stream renames `run.jsonl` to `20261128-1405-01-run.jsonl`, with the time before
# the name.
#
# Unless it is given a function for the name, what was put aside begins with its time and a number
# that counts within the minute, so that no pattern of rotated names (`run.jsonl.*`,
# `run-*.jsonl`, `run.*.jsonl`) finds it. Whatever follows `*.jsonl` takes each part for a run of
# its own, with the records that it has had from `run.jsonl` already. One would bet on a suffix.
#
# Seen with rotating-file-stream 3.2.10 on Node.js 20. What helps: a function for the name.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit rotating-file-stream@3.2.10

cat >program.js <<'PROGRAM'
const { readFileSync, readdirSync } = require("fs");
const { createStream } = require("rotating-file-stream");

(async () => {
  const stream = createStream("run.jsonl", { path: "logs", size: "200B" });
  for (let step = 0; step < 20; step++) {
    stream.write(`{"step":${step},"loss":0.5}\n`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await new Promise((resolve) => stream.end(resolve));
  for (const name of readdirSync("logs")) {
    const steps = readFileSync(`logs/${name}`, "utf8").trim().split("\n").map((line) => JSON.parse(line).step);
    // A minute may end in the middle, which begins another count.
    console.log(name.replace(/^[0-9]{8}-[0-9]{4}-[0-9]{2}/, "DAY-TIME-NUMBER"), "steps", steps[0], "to", steps.at(-1));
  }
})();
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
DAY-TIME-NUMBER-run.jsonl steps 0 to 9
DAY-TIME-NUMBER-run.jsonl steps 10 to 18
run.jsonl steps 19 to 19
EXPECTED
echo "as stated"
