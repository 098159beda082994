#!/usr/bin/env bash
# ClearML writes 0.0 for a loss that is NaN or infinite.
#
# `report_scalar` takes NaN, Infinity and -Infinity and puts 0.0 in their place, in its offline
# file as on its server: the step at which the run broke has the best loss ever seen, and a
# search for the minimum finds that one. One line of level INFO says so, once, with the call
# that sets another number. One would bet on NaN, on null or on nothing.
#
# Seen with clearml 2.1.12 in offline mode.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check clearml==2.1.12
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import glob
import json
import math
import os

os.environ.update(CLEARML_OFFLINE_MODE="1", CLEARML_CACHE_DIR=os.getcwd())
from clearml import Task

Task.set_offline(True)
quiet = dict.fromkeys(("auto_connect_frameworks", "auto_resource_monitoring"), False)
quiet |= dict.fromkeys(("auto_connect_streams", "auto_connect_arg_parser"), False)
task = Task.init(project_name="p", task_name="t", **quiet)
for step, loss in enumerate((0.5, math.nan, math.inf, -math.inf, 0.25)):
    task.get_logger().report_scalar("loss", "train", loss, step)
task.flush(wait_for_uploads=True)
task.close()

(path,) = glob.glob("offline/*/metrics.jsonl")
records = [record for line in open(path) for record in json.loads(line)]
with open("written", "w") as file:
    for record in records:
        print("step", record["iter"], "loss", record["value"], file=file)
PROGRAM
venv/bin/python program.py >all 2>&1 || cat all; cat written >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
step 0 loss 0.5
step 1 loss 0.0
step 2 loss 0.0
step 3 loss 0.0
step 4 loss 0.25
EXPECTED
echo "as stated"
