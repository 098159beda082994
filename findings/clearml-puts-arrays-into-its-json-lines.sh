#!/usr/bin/env bash
# ClearML's offline `metrics.jsonl` has an array of records on each line.
#
# What was reported between two flushes is one line: `[{"iter":0,...},{"iter":1,...}]`. A reader
# of JSON lines that expects an object gets a list, `jq .value` fails, pyarrow and polars find
# no columns; and how many records a line has is up to the flush. `log.jsonl` beside it is
# the same. One would bet on one object a line, by the name of the file.
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
import os

os.environ.update(CLEARML_OFFLINE_MODE="1", CLEARML_CACHE_DIR=os.getcwd())
from clearml import Task

Task.set_offline(True)
quiet = dict.fromkeys(("auto_connect_frameworks", "auto_resource_monitoring"), False)
quiet |= dict.fromkeys(("auto_connect_streams", "auto_connect_arg_parser"), False)
task = Task.init(project_name="p", task_name="t", **quiet)
for flush in range(2):
    for step in range(3):
        task.get_logger().report_scalar("loss", "train", 0.5, 3 * flush + step)
    task.flush(wait_for_uploads=True)
task.close()

(path,) = glob.glob("offline/*/metrics.jsonl")
with open("written", "w") as file:
    lines = [json.loads(line) for line in open(path)]
    print("kinds of lines:", {type(line).__name__ for line in lines}, file=file)
    print("fewer lines than records:", len(lines) < sum(map(len, lines)), file=file)
    print("steps:", [record["iter"] for line in lines for record in line], file=file)
PROGRAM
venv/bin/python program.py >all 2>&1 || cat all; cat written >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
kinds of lines: {'list'}
fewer lines than records: True
steps: [0, 1, 2, 3, 4, 5]
EXPECTED
echo "as stated"
