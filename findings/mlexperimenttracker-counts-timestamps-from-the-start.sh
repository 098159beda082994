#!/usr/bin/env bash
# mlexperimenttracker: a `timestamp` is since the start in two files, since 1970 in a third.
#
# In `metrics.jsonl` and `logs.jsonl` the field `timestamp` is 0.0 for the first record; the
# time of day is `absolute_timestamp`. In `system_metrics.json` of the same run `timestamp`
# is seconds since 1970. Who draws the GPU's load under the loss by the field that both
# have finds them half a century apart. One would bet on one meaning in one folder.
#
# Seen with mlexperimenttracker 0.2.1 (psutil 7.2.2).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mlexperimenttracker==0.2.1 psutil==7.2.2
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json
import pathlib
import time

import mlexperimenttracker

run = mlexperimenttracker.init(
    "demo", storage_path="runs", provenance=False, system_metrics=True, system_metrics_interval=1
)
run.log({"loss": 0.5}, step=0)
time.sleep(3)
run.finish()

for file in sorted(pathlib.Path("runs").glob("*/*/*")):
    text = file.read_text()
    records = json.loads(text) if file.name == "system_metrics.json" else None
    if records is None and file.suffix == ".jsonl":
        records = json.loads(text.splitlines()[0])
    while records and "timestamp" not in records:  # the first record, wherever it lies
        records = records[0] if isinstance(records, list) else next(iter(records.values()))
    if records:
        value = records["timestamp"]
        print(file.name, "since 1970" if value > 1e9 else "since the start" if value < 3 else value)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
logs.jsonl since the start
metrics.jsonl since the start
system_metrics.json since 1970
EXPECTED
echo "as stated"
