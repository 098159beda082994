#!/usr/bin/env bash
# expr-tracker: after a resume the last step stands twice in the file, those before it once.
#
# A job that goes on from a checkpoint logs steps 1, 2, 3 again after 0, 1, 2. With the
# defaults step 1 is dropped (a warning says so) and step 2, being no smaller than the
# last, is appended: the file has two records of step 2 with different values, the old
# run's value at step 1, and both come from different lives of the model. One would bet on
# all repeated steps to be kept, or on none.
#
# Seen with expr-tracker 0.4.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check expr-tracker==0.4.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import glob
import json

import expr_tracker


def train(values):
    expr_tracker.init(project="p", name="r", dir="d", backends=("jsonl",), resume="allow")
    for step, loss in values:
        expr_tracker.log({"loss": loss}, step=step)
    expr_tracker.finish()


train([(0, 1.0), (1, 0.9), (2, 0.8)])
train([(1, 0.95), (2, 0.85), (3, 0.75)])

[path] = glob.glob("d/**/metrics.jsonl", recursive=True)
for line in open(path):
    record = json.loads(line)
    print(record["_step"], record["loss"])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
0 1.0
1 0.9
2 0.8
2 0.85
3 0.75
EXPECTED
echo "as stated"
