#!/usr/bin/env bash
# mathjs says that 1714564800123 and 1714564800124 are equal, and that the first is the maximum.
#
# It compares numbers with a tolerance of one in 10^12, whole ones as well. Unix milliseconds
# have thirteen digits, and so a record and the next, a millisecond later, are of one time: `max`
# gives whichever comes first, `sort` leaves the later before the earlier, and
# `floor(1714564800.9999)` is the next second. Steps beyond 10^12 and counts of bytes or tokens go the same
# way. One would bet on exact comparison of whole numbers, which floats give to 2^53.
#
# Seen with mathjs 15.2.0 on Node.js 20. What helps: `create(all, { relTol: 1e-15 })`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit mathjs@15.2.0

cat >program.js <<'PROGRAM'
const { all, create } = require("mathjs");

const [one, next] = [1714564800123, 1714564800124];
for (const options of [{}, { relTol: 1e-15 }]) {
  const math = create(all, options);
  console.log(JSON.stringify(options));
  console.log(`  equal: ${math.equal(one, next)}, smaller: ${math.smaller(one, next)}`);
  console.log(`  max: ${math.max(one, next)}, and the other way about ${math.max(next, one)}`);
  console.log(`  sort: ${math.sort([next, one])}`);
  console.log(`  floor of 1714564800.9999: ${math.floor(1714564800.9999)}`);
}
console.log(`JavaScript: max ${Math.max(one, next)}, floor ${Math.floor(1714564800.9999)}`);
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{}
  equal: true, smaller: false
  max: 1714564800123, and the other way about 1714564800124
  sort: 1714564800124,1714564800123
  floor of 1714564800.9999: 1714564801
{"relTol":1e-15}
  equal: false, smaller: true
  max: 1714564800124, and the other way about 1714564800124
  sort: 1714564800123,1714564800124
  floor of 1714564800.9999: 1714564800
JavaScript: max 1714564800124, floor 1714564800
EXPECTED
echo "as stated"
