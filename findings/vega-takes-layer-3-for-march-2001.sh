#!/usr/bin/env bash
# Vega's loader takes the names of layers, epochs and steps for months of the year 2001.
#
# With `parse: "auto"` a column of texts is one of dates if `Date.parse` takes each of them, and the
# V8 of Node.js and Chromium takes any word with a number after it: "layer 3" is the first of
# March 2001, "resnet 50" a day of 1950. The texts are replaced by numbers of milliseconds, and with
# a thirteenth layer the same column stays text. One would bet on ISO dates alone, or on
# a text with a word in it to stay a text.
#
# Seen with vega-loader 5.1.3 on Node.js 20. What helps: `parse` with a type for each column.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit vega-loader@5.1.3

cat >program.mjs <<'PROGRAM'
import { read } from "vega-loader";

process.env.TZ = "UTC";
const auto = { type: "json", parse: "auto" };
for (const names of [["layer 2", "layer 3"], ["layer 3", "layer 13"], ["epoch 1"], ["resnet 50"]]) {
  const rows = read(JSON.stringify(names.map((name) => ({ name }))), auto);
  const day = (date) => new Date(date).toISOString().slice(0, 10);
  const shown = rows.map(({ name }) => (typeof name === "string" ? name : `${name} (${day(name)})`));
  console.log(`${names.join(", ")}: ${shown.join(", ")}`);
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
layer 2, layer 3: 980985600000 (2001-02-01), 983404800000 (2001-03-01)
layer 3, layer 13: layer 3, layer 13
epoch 1: 978307200000 (2001-01-01)
resnet 50: -631152000000 (1950-01-01)
EXPECTED
echo "as stated"
