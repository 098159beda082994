#!/usr/bin/env bash
# siliconworm writes a nested value as the `str()` of it: Python, not JSON, in a string.
#
# `log({"val": {"acc": 0.5}, "shape": [1, 2]})` becomes `"val":"{'acc': 0.5}"`. The line is
# valid JSON, so that nothing complains; but no JSON reader gets at `val.acc`, and parsing
# the string as JSON fails at the single quotes. One would bet on an object in an object,
# in a file whose lines are JSON.
#
# Seen with siliconworm 0.2.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check siliconworm==0.2.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import glob
import json
import os

import siliconworm

run = siliconworm.init(project="p", config={})
run.log({"val": {"acc": 0.5}, "shape": [1, 2]}, step=0)
run.finish()

[path] = glob.glob(os.environ["HOME"] + "/.siliconworm/runs/*/metrics.jsonl")
record = json.loads(open(path).readline())
for key in "val", "shape":
    print(type(record[key]).__name__, record[key])
try:
    json.loads(record["val"])
except ValueError as error:
    print("its string as JSON:", type(error).__name__)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
str {'acc': 0.5}
str [1, 2]
its string as JSON: JSONDecodeError
EXPECTED
echo "as stated"
