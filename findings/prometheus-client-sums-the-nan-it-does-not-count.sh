#!/usr/bin/env bash
# prometheus_client: a histogram adds a NaN to its sum, and does not count it.
#
# No bucket is large enough for a NaN, not even `+Inf`, and the count is what the buckets
# hold: of four losses one of which is NaN the count is 3, while the sum is NaN from then on
# and for as long as the process lives. A Summary of the same values counts four. One would bet
# on the same count in both, or on a value that is left out to be left out of the sum too.
#
# Seen with prometheus_client 0.26.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check prometheus-client==0.26.0
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
from prometheus_client import CollectorRegistry, Histogram, Summary, generate_latest

registry = CollectorRegistry()
histogram = Histogram("histogram", "Losses.", registry=registry, buckets=[1])
summary = Summary("summary", "Losses.", registry=registry)
for loss in (0.5, 2.0, float("nan"), 0.25):
    histogram.observe(loss)
    summary.observe(loss)
for line in generate_latest(registry).decode().splitlines():
    if not line.startswith("#") and "_created" not in line:
        print(line)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
histogram_bucket{le="1.0"} 2.0
histogram_bucket{le="+Inf"} 3.0
histogram_count 3.0
histogram_sum NaN
summary_count 4.0
summary_sum NaN
EXPECTED
echo "as stated"
