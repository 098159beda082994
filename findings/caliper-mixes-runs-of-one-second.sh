#!/usr/bin/env bash
# caliper puts runs that begin in the same second into one file, without saying which is which.
#
# The file is named by the second (`run-YYYYMMDD_HHMMSS_logs.jsonl`), opened for appending,
# and its lines carry neither a run ID nor a name. A sweep that starts three runs at once
# has one file with three first steps, and nothing can take them apart again. One would
# bet on an exclusive name, or at least on an ID in the line.
#
# Seen with caliper-py 0.1.1. (The three runs are begun just after a second has begun.)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check caliper-py==0.1.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import glob
import json
import time

import caliper

time.sleep(1 - time.time() % 1)
runs = [caliper.init(project="p", name=f"run {n}", hyperparams={}) for n in (1, 2, 3)]
for n, run in enumerate(runs, 1):
    run.log({"loss": 10 * n, "step": 0})

files = glob.glob(".caliper/runs/*_logs.jsonl")
records = [json.loads(line) for path in files for line in open(path)]
print("files:", len(files))
print("keys:", sorted(records[0]))
print("losses of step 0:", [record["loss"] for record in records])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
files: 1
keys: ['loss', 'step', 'timestamp']
losses of step 0: [10, 20, 30]
EXPECTED
echo "as stated"
