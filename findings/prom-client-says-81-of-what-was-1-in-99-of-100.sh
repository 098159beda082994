#!/usr/bin/env bash
# prom-client's Summary says that 90 in 100 took up to 81 ms, where 99 took 1 and one took 100.
#
# It counts with the npm package `tdigest`, which joins equal values to one point with a weight and
# then draws a straight line from the middle of that weight to the next value. Where values repeat,
# as whole milliseconds, sizes of batches and numbers of retries do, half of what is equal is
# thereby spread over the gap: the 75th percentile of 99 ones and a hundred is 51.49, a duration
# that nobody had, and one slow request lifts each quantile above the median. Python's `tdigest`
# does so too, and draws the line on to the other side, to -95.03. One would bet on 1, as numpy and
# a sorted list give; a t-digest is known for small errors. What helps: a histogram, or values that
# keep their fractions.
#
# Seen with prom-client 15.1.3 and tdigest 0.1.3 on Node.js 20, tdigest 0.5.2.2 on Python.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tdigest==0.5.2.2
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit prom-client@15.1.3 tdigest@0.1.3

cat >program.js <<'PROGRAM'
const { Summary } = require("prom-client");

const percentiles = [0.01, 0.25, 0.5, 0.75, 0.9];
const whole = new Summary({ name: "whole", help: "whole", percentiles });
const exact = new Summary({ name: "exact", help: "exact", percentiles });
for (let request = 0; request < 99; request++) {
  whole.observe(1);
  exact.observe(1 + request / 1e6);
}
whole.observe(100);
exact.observe(100);

(async () => {
  for (const summary of [whole, exact]) {
    const { values } = await summary.get();
    const quantiles = values.filter(({ labels }) => "quantile" in labels);
    console.log(
      `prom-client, ${summary.name}:`,
      ...quantiles.map(({ labels, value }) => `${labels.quantile}: ${value.toFixed(2)}`),
    );
  }
})();
PROGRAM
cat >program.py <<'PROGRAM'
from tdigest import TDigest

digest = TDigest()
for _ in range(99):
    digest.update(1)
digest.update(100)
percentiles = [1, 25, 50, 75, 90]
print("tdigest, whole:", *(f"{p / 100}: {digest.percentile(p):.2f}" for p in percentiles))
PROGRAM
{ node program.js && venv/bin/python program.py; } >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
prom-client, whole: 0.01: 1.00 0.25: 1.00 0.5: 1.99 0.75: 51.49 0.9: 81.19
prom-client, exact: 0.01: 1.00 0.25: 1.00 0.5: 1.00 0.75: 1.00 0.9: 1.00
tdigest, whole: 0.01: -95.03 0.25: -47.51 0.5: 1.99 0.75: 51.49 0.9: 81.19
EXPECTED
echo "as stated"
