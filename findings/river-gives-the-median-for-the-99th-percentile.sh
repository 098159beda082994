#!/usr/bin/env bash
# River's running quantile is the median of the first five values, whichever was asked for.
#
# `stats.Quantile(0.99)` (and 0.01) keeps five markers. Up to the fifth value it gives one of the
# values, with the sixth the third of the five: the median. From there the
# estimate climbs slowly. Of step times of which each twentieth takes ten times as long, so that the
# truth is 1.0 from the twentieth step on, it says 0.18 after 21 steps, 0.28 after 40 and
# 0.785 after 100, which looks like a run that gets slower. One would bet on a start that is
# rough in the direction of what was asked for.
#
# Seen with river 0.26.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check river==0.26.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import statistics

from river import stats

highest, lowest, losses = stats.Quantile(0.99), stats.Quantile(0.01), []
for loss in 5, 1, 4, 2, 3, 10:
    highest.update(loss)
    lowest.update(loss)
    losses.append(loss)
print(f"losses {losses}, median {statistics.median(losses)}")
print(f"  99th percentile {highest.get()}, 1st percentile {lowest.get()}")

slow, times = stats.Quantile(0.99), []
print("step times of 0.1, each twentieth 1.0: estimated and true 99th percentile")
for step in range(1, 1001):
    times.append(1.0 if step % 20 == 0 else 0.1)
    slow.update(times[-1])
    if step in {21, 40, 100, 200, 1000}:
        print(f"  after {step} steps: {slow.get():.3f} {sorted(times)[int(0.99 * step)]}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
losses [5, 1, 4, 2, 3, 10], median 3.5
  99th percentile 3.0, 1st percentile 3.0
step times of 0.1, each twentieth 1.0: estimated and true 99th percentile
  after 21 steps: 0.180 1.0
  after 40 steps: 0.280 1.0
  after 100 steps: 0.785 1.0
  after 200 steps: 0.989 1.0
  after 1000 steps: 1.000 1.0
EXPECTED
echo "as stated"
