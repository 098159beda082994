#!/usr/bin/env bash
# hdrhistogram of Python leaves out the slowest steps, and says 100 ms for the largest of all.
#
# A value above the highest that it was made for is not counted: `record_value` returns False, which
# nobody reads, where the original in Java raises and Go's returns an error. Of 99 steps of 100 ms
# and one that took two minutes, in a histogram up to a minute, the maximum and each percentile are
# 100, and the count is 99. Just those values are lost for which one looks at percentiles. A
# fraction of a millisecond is counted, as 0. One would bet on an exception, or on the last bucket.
#
# Seen with hdrhistogram 0.10.8 (PyPI). What helps: a highest value far above what can be.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check hdrhistogram==0.10.8

cat >program.py <<'PROGRAM'
from hdrh.histogram import HdrHistogram

for highest in 60_000, 3_600_000:
    times = HdrHistogram(1, highest, 2)
    for _ in range(99):
        times.record_value(100)
    print(f"up to {highest} ms, a step of 120000 ms is counted:", times.record_value(120_000))
    largest, last = times.get_max_value() // 1000, times.get_value_at_percentile(99.9) // 1000
    print(f"  steps: {times.total_count}, seconds of the slowest: {largest}, 99.9th percentile: {last}")
times.record_value(0.9)
print("the least after a step of 0.9 ms:", times.get_value_at_percentile(0))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
up to 60000 ms, a step of 120000 ms is counted: False
  steps: 99, seconds of the slowest: 0, 99.9th percentile: 0
up to 3600000 ms, a step of 120000 ms is counted: True
  steps: 100, seconds of the slowest: 120, 99.9th percentile: 120
the least after a step of 0.9 ms: 0
EXPECTED
echo "as stated"
