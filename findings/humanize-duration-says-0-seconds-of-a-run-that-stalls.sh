#!/usr/bin/env bash
# humanize-duration says "0 seconds" of the time left of a run that makes no progress.
#
# What is left divided by a rate of 0 is Infinity, which with `largest: 1` and `round` is
# "0 seconds", as for a run that is about to end; without `largest: 1` it is "Infinity years".
# Where nothing is known yet, 0 of 0, the NaN is "0 seconds" under every option. An end that
# was due 90 seconds ago is "1 minute, 30 seconds", as if it were still to come. One would bet
# on an error (pretty-ms throws at the first two and keeps the sign), or on one text for one
# value whatever the options.
#
# Seen with humanize-duration 3.35.1 on Node.js 20, beside pretty-ms 9.3.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit humanize-duration@3.35.1 pretty-ms@9.3.1

cat >program.mjs <<'PROGRAM'
import humanize from "humanize-duration";
import pretty from "pretty-ms";

const LEFT = [
  ["900 steps at 10/s", 900_000 / 10],
  ["900 steps at 0/s", 900_000 / 0],
  ["0 steps at 0/s", 0 / 0],
  ["due 90 s ago", -90_000],
];

function said(format) {
  try {
    return format();
  } catch (error) {
    return error.name;
  }
}

for (const [title, ms] of LEFT) {
  console.log(title);
  console.log("  one unit, rounded:", humanize(ms, { largest: 1, round: true }));
  console.log("  two units, rounded:", humanize(ms, { largest: 2, round: true }));
  console.log("  pretty-ms:", said(() => pretty(ms)));
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
900 steps at 10/s
  one unit, rounded: 2 minutes
  two units, rounded: 1 minute, 30 seconds
  pretty-ms: 1m 30s
900 steps at 0/s
  one unit, rounded: 0 seconds
  two units, rounded: Infinity years
  pretty-ms: TypeError
0 steps at 0/s
  one unit, rounded: 0 seconds
  two units, rounded: 0 seconds
  pretty-ms: TypeError
due 90 s ago
  one unit, rounded: 2 minutes
  two units, rounded: 1 minute, 30 seconds
  pretty-ms: -1m 30s
EXPECTED
echo "as stated"
