#!/usr/bin/env bash
# ddsketch counts a NaN as 0, in two languages, so that its median is a loss nobody had.
#
# A value is put by its sign: above zero, below zero, and else among the zeros. A NaN is in
# neither of the first two. Of the losses 2, NaN, 2, NaN, NaN the median is 0 and the count 5,
# while the sum is NaN, and the least and greatest are both 2: the sketch itself contradicts its
# quantiles. One would bet on an error (as both give for Infinity, by chance), on the NaN being
# left out, or on a quantile never below the least value.
#
# Seen with ddsketch 3.0.1 of PyPI and @datadog/sketches-js 2.1.1 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ddsketch==3.0.1
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @datadog/sketches-js@2.1.1

cat >program.py <<'PROGRAM'
from ddsketch import DDSketch

sketch = DDSketch()
for loss in (2.0, float("nan"), 2.0, float("nan"), float("nan")):
    sketch.add(loss)
print(f"Python: count {sketch.count:.0f}, sum {sketch.sum}, median {sketch.get_quantile_value(0.5):.1f}")
PROGRAM
cat >program.js <<'PROGRAM'
const { DDSketch } = require("@datadog/sketches-js");

const sketch = new DDSketch();
for (const loss of [2, NaN, 2, NaN, NaN]) sketch.accept(loss);
const { count, sum, min, max } = sketch;
const median = sketch.getValueAtQuantile(0.5).toFixed(1);
console.log(`JavaScript: count ${count}, sum ${sum}, median ${median}, from ${min} to ${max}`);
PROGRAM
{ venv/bin/python program.py && node program.js; } >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
Python: count 5, sum nan, median 0.0
JavaScript: count 5, sum NaN, median 0.0, from 2 to 2
EXPECTED
echo "as stated"
