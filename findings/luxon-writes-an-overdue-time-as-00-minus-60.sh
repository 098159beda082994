#!/usr/bin/env bash
# luxon writes the time left of a run that is 59.5 seconds overdue as `00:-60`.
#
# `Duration.toFormat("mm:ss")` puts the sign before each of the units that is not 0 and rounds away
# from 0, so that half a second is a whole one and 59.5 are sixty, as never happens
# on the other side. `signMode: "negativeLargestOnly"`, which is there to have one sign, loses
# it where the largest unit is 0: the same duration is `00:59`, as if the run had a minute to go. One
# would bet on -00:59 in both.
#
# Seen with luxon 3.7.2 on Node.js 20. What helps: to format the absolute value and write
# the sign by hand.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit luxon@3.7.2

cat >program.js <<'PROGRAM'
const { Duration } = require("luxon");

for (const seconds of [90.5, 59.5, 0.5, -0.5, -59.5, -90.5, -3601.5]) {
  const left = Duration.fromMillis(seconds * 1000);
  const largest = left.toFormat("mm:ss", { signMode: "negativeLargestOnly" });
  console.log(`${seconds} s: "${left.toFormat("mm:ss")}", with negativeLargestOnly "${largest}"`);
}
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
90.5 s: "01:30", with negativeLargestOnly "01:30"
59.5 s: "00:59", with negativeLargestOnly "00:59"
0.5 s: "00:00", with negativeLargestOnly "00:00"
-0.5 s: "00:-01", with negativeLargestOnly "00:00"
-59.5 s: "00:-60", with negativeLargestOnly "00:59"
-90.5 s: "-01:-31", with negativeLargestOnly "-01:30"
-3601.5 s: "-60:-02", with negativeLargestOnly "-60:01"
EXPECTED
echo "as stated"
