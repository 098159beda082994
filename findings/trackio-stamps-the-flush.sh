#!/usr/bin/env bash
# trackio stamps a record when its buffer is flushed, not when it is logged.
#
# Three `trackio.log` calls, 0.1 s apart, get one and the same `timestamp`, which is later
# than all three calls. Step rates and "seconds per step" that are computed from the file
# are therefore steps of the flush interval: many records of no distance, then a jump.
# One would bet on the time of the call, as every other logger writes.
#
# Seen with trackio 0.43.0, TRACKIO_STORAGE_MODE=jsonl (its choice on network file systems).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check trackio==0.43.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import datetime
import glob
import json
import os
import time

os.environ.update(TRACKIO_STORAGE_MODE="jsonl", TRACKIO_DIR=os.path.abspath("trackio"))
saved = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
import trackio

trackio.init(project="p", name="n", auto_log_cpu=False, auto_log_gpu=False)
for step in range(3):
    called = datetime.datetime.now(datetime.timezone.utc)
    trackio.log({"loss": 1 / (step + 1)})
    time.sleep(0.1)
trackio.finish()
os.dup2(saved, 1)

lines = [line for path in glob.glob("trackio/**/*.jsonl", recursive=True) for line in open(path)]
records = [record for record in map(json.loads, lines) if record["kind"] == "metric"]
stamps = {datetime.datetime.fromisoformat(record["timestamp"]) for record in records}
print("records:", len(records))
print("different timestamps:", len(stamps))
print("later than the last call:", min(stamps) > called)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
records: 3
different timestamps: 1
later than the last call: True
EXPECTED
echo "as stated"
