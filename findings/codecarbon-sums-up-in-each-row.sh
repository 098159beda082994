#!/usr/bin/env bash
# CodeCarbon's emissions.csv has the sum so far in each row, so that the file's sum is too much.
#
# `flush()` during a run appends a row of the same `run_id` with everything since the start, and
# `stop()` appends one more. Three flushes of equal length give 1, 2, 3 and 3 parts: who adds
# up the column `emissions`, as for many runs in one file, gets nine parts of three. One would
# bet on what came since the last row, or on the run's row to be written anew.
#
# Seen with codecarbon 3.3.2, offline.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check codecarbon==3.3.2
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import csv
import time

from codecarbon import OfflineEmissionsTracker

tracker = OfflineEmissionsTracker(
    country_iso_code="FRA", log_level="critical", measure_power_secs=1, allow_multiple_runs=True
)
tracker.start()
for _ in range(3):
    time.sleep(1.2)
    tracker.flush()
total = tracker.stop()
with open("emissions.csv") as file:
    rows = list(csv.DictReader(file))
values = [float(row["emissions"]) for row in rows]
print("rows:", len(rows), "of runs:", len({row["run_id"] for row in rows}))
print("each at least the one before:", values == sorted(values))
print("the last is what stop() returned:", values[-1] == total)
print("the file's sum is more than twice that:", sum(values) > 2 * total)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
rows: 4 of runs: 1
each at least the one before: True
the last is what stop() returned: True
the file's sum is more than twice that: True
EXPECTED
echo "as stated"
