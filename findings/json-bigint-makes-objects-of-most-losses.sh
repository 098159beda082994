#!/usr/bin/env bash
# json-bigint makes an object of each fraction that is written with more than 15 characters.
#
# It is taken for step numbers beyond 2^53, but it goes by the length of the text, so that
# 0.6931471805599453, as Python writes most losses, is a BigNumber and 0.5 is a number in the
# same column. A comparison still works; `+` joins texts: the sum of the two losses 0.5 and
# 0.6931471805599453 is "0.50.6931471805599453". With `useNativeBigInt` such a fraction is a
# SyntaxError. One would bet on numbers with a point to be left alone.
#
# Seen with json-bigint 1.0.0 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit json-bigint@1.0.0

cat >program.js <<'PROGRAM'
const bigint = require("json-bigint");

const line = '{"step":9007199254740993,"losses":[0.5,0.6931471805599453]}';
const { step, losses } = bigint.parse(line);
const kind = (value) => (typeof value === "object" ? value.constructor.name : typeof value);
console.log("step:", String(step), kind(step));
console.log("losses:", losses.map((loss) => `${loss} ${kind(loss)}`).join(", "));
console.log("sum:", losses.reduce((sum, loss) => sum + loss));
try {
  bigint({ useNativeBigInt: true }).parse(line);
} catch (error) {
  console.log("useNativeBigInt:", error.name);
}
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
step: 9007199254740993 BigNumber
losses: 0.5 number, 0.6931471805599453 BigNumber
sum: 0.50.6931471805599453
useNativeBigInt: SyntaxError
EXPECTED
echo "as stated"
