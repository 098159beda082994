#!/usr/bin/env bash
# simple-statistics gives three medians of the same losses, by where the NaN among them stands.
#
# Of 1, 2, 3 and a NaN the median is 2.5, 1.5 or NaN, the least value is 1 or NaN, and the 90th
# percentile 2.7 or NaN: a NaN is neither less nor greater, and whether the comparisons come upon it
# is a matter of the order. So two runs with the same losses in another order differ by more than
# half, and the number looks like any other. The mean is NaN each time. One would bet on NaN for all
# of them, or on the 2 of the three that are numbers, as d3 gives it.
#
# Seen with simple-statistics 7.12.1, beside d3-array 3.2.4, on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit simple-statistics@7.12.1 d3-array@3.2.4

cat >program.mjs <<'PROGRAM'
import * as d3 from "d3-array";
import { mean, median, min, quantile } from "simple-statistics";

for (const losses of [[3, NaN, 1, 2], [3, 1, NaN, 2], [1, 2, 3, NaN], [NaN, 3, 1, 2]]) {
  const ninety = quantile(losses, 0.9);
  console.log(losses.join(" "));
  console.log(`  median ${median(losses)}, 90% ${ninety}, min ${min(losses)}, mean ${mean(losses)}`);
  console.log(`  d3: median ${d3.median(losses)}, min ${d3.min(losses)}`);
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
3 NaN 1 2
  median 2.5, 90% 2.7, min 1, mean NaN
  d3: median 2, min 1
3 1 NaN 2
  median 1.5, 90% NaN, min 1, mean NaN
  d3: median 2, min 1
1 2 3 NaN
  median 1.5, 90% 2.7, min 1, mean NaN
  d3: median 2, min 1
NaN 3 1 2
  median NaN, 90% 2.7, min NaN, mean NaN
  d3: median 2, min 1
EXPECTED
echo "as stated"
