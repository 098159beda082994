#!/usr/bin/env bash
# notepack.io writes a whole number of 2^64 or more as what is left of it modulo 2^64.
#
# In JavaScript every float that is large enough is whole, and notepack.io takes whole for
# integer: from 2^64 on, and below -2^63, it keeps the lowest 64 bits. A loss that explodes
# to 1e20 arrives as 7766279631452242000 and one of 1e300 as 0, the best loss ever seen;
# nothing is raised. One would bet on the nine bytes of a float, as msgpackr, msgpack5,
# msgpack-lite and @msgpack/msgpack write them.
#
# Seen with notepack.io 3.0.1 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit notepack.io@3.0.1

cat >program.js <<'PROGRAM'
const { encode, decode } = require("notepack.io");

for (const loss of [0.5, 1e19, 2 ** 64, 1e20, -1e20, 1e300]) {
  const bytes = encode(loss);
  console.log(loss, "->", Buffer.from(bytes).toString("hex"), "->", decode(bytes));
}
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
0.5 -> cb3fe0000000000000 -> 0.5
10000000000000000000 -> cf8ac7230489e80000 -> 10000000000000000000
18446744073709552000 -> cf0000000000000000 -> 0
100000000000000000000 -> cf6bc75e2d63100000 -> 7766279631452242000
-100000000000000000000 -> d39438a1d29cf00000 -> -7766279631452242000
1e+300 -> cf0000000000000000 -> 0
EXPECTED
echo "as stated"
