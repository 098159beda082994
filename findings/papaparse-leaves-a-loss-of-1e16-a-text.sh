#!/usr/bin/env bash
# Papa Parse leaves a loss of 1e16 a text, among numbers.
#
# `dynamicTyping` makes numbers of cells, but for what is beyond 2^53 in size: meant for names in
# digits, it spares floats as well. The column of a loss that explodes has numbers, and
# from 9007199254740992 on texts; `Math.max` still gets it right, a sum joins the texts, a comparison of
# two texts goes by letters, and a chart that asks for numbers loses the peak. NaN and Infinity, as
# Python's csv writes them, are texts as well. One would bet on numbers for all the
# column, or for none, as d3.autoType and csv-parse's `cast` give for 1e16.
#
# Seen with papaparse 5.7.1, d3-dsv 3.0.1 and csv-parse 7.0.3 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit papaparse@5.7.1 d3-dsv@3.0.1 csv-parse@7.0.3

cat >program.mjs <<'PROGRAM'
import { parse } from "csv-parse/sync";
import { autoType, csvParse } from "d3-dsv";
import Papa from "papaparse";

const table = "loss\n0.5\n9007199254740991\n9007199254740992\n9e16\n1e20\n";
const readers = {
  papaparse: () => Papa.parse(table, { header: true, dynamicTyping: true, skipEmptyLines: true }).data,
  "d3-dsv": () => csvParse(table, autoType),
  "csv-parse": () => parse(table, { columns: true, cast: true }),
};
for (const [name, read] of Object.entries(readers)) {
  const losses = read().map(({ loss }) => loss);
  console.log(`${name}: ${losses.map((loss) => JSON.stringify(loss)).join(" ")}`);
  const [, , , large, larger] = losses;
  console.log(`  the sum: ${losses.reduce((sum, loss) => sum + loss)}; 1e20 > 9e16: ${larger > large}`);
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
papaparse: 0.5 9007199254740991 "9007199254740992" "9e16" "1e20"
  the sum: 900719925474099290071992547409929e161e20; 1e20 > 9e16: false
d3-dsv: 0.5 9007199254740991 9007199254740992 90000000000000000 100000000000000000000
  the sum: 100108014398509480000; 1e20 > 9e16: true
csv-parse: 0.5 9007199254740991 9007199254740992 90000000000000000 100000000000000000000
  the sum: 100108014398509480000; 1e20 > 9e16: true
EXPECTED
echo "as stated"
