#!/usr/bin/env bash
# numeral shows a number below 0.000001 as NaN.
#
# A learning rate of 0.0000001 is "NaN" in each format with a fixed number of digits, so that a
# warm-up or the end of a schedule looks like a run that diverged; 0.000001 is shown rightly. A
# NaN, on the other hand, is shown as 0.0. One would bet on 0.0 for the first and on NaN for the
# second, as numbro, which began as numeral, shows the first.
#
# Seen with numeral 2.0.6 and numbro 2.5.0 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit numeral@2.0.6 numbro@2.5.0

cat >program.mjs <<'PROGRAM'
import numbro from "numbro";
import numeral from "numeral";

for (const rate of [1e-6, 1e-7, NaN]) {
  const shown = ["0.0", "0.00000000"].map((format) => numeral(rate).format(format));
  const other = ["0.0", "0.00000000"].map((format) => numbro(rate).format(format));
  console.log(`${rate}: numeral ${shown.join(" ")}, numbro ${other.join(" ")}`);
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
0.000001: numeral 0.0 0.00000100, numbro 0.0 0.00000100
1e-7: numeral NaN NaN, numbro 0.0 0.00000010
NaN: numeral 0.0 0.00000000, numbro NaN NaN
EXPECTED
echo "as stated"
