#!/usr/bin/env bash
# swanlab's local files do not say which metric they are of.
#
# In "local" mode each metric has a folder of JSON lines, and the folders are named 1, 2, 3;
# neither a line nor the summary beside it bears the metric's name. The names are in a
# binary file of another folder alone, so that `logs/` cannot be read by itself, and
# followed even less. One would bet on a name in the path, in the line or in the summary.
#
# Seen with swanlab 0.10.3, without its dashboard.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check swanlab==0.10.3
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json
import pathlib

import swanlab

swanlab.init(project="demo", mode="local", logdir="out")
for step in range(2):
    swanlab.log({"train/loss": 0.5, "val/accuracy": 0.25}, step=step)
swanlab.finish()

files = sorted(pathlib.Path("out").glob("run-*/logs/*/*"))
for file in files:
    print("/".join(file.parts[2:]), sorted(json.loads(file.read_text().splitlines()[0])))
everything = [file for file in pathlib.Path("out").rglob("*") if file.is_file()]
names = {file.suffix for file in everything if b"val/accuracy" in file.read_bytes()}
print("files that hold the text val/accuracy:", sorted(names))
PROGRAM
venv/bin/python program.py >told 2>errors || { cat told errors; exit 1; }
grep -E '^(logs/|files that)' told >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
logs/1/1000.log ['create_time', 'data', 'index']
logs/1/_summary.json ['max', 'max_step', 'min', 'min_step', 'num']
logs/2/1000.log ['create_time', 'data', 'index']
logs/2/_summary.json ['max', 'max_step', 'min', 'min_step', 'num']
files that hold the text val/accuracy: ['.swanlab']
EXPECTED
echo "as stated"
