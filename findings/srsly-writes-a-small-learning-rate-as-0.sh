#!/usr/bin/env bash
# srsly writes the numbers of its JSON lines with ten digits behind the point.
#
# `write_jsonl`, with which spaCy's console logger fills its file, makes 0.0 of an epsilon of
# 1e-12 and cuts a loss of 0.1234567890123456 after the tenth digit: of 1,000 losses none comes
# back as it was. Reading is inexact as well: of 1,000 that Python's json wrote, 74 come back as
# they were. One would bet on the shortest text that gives the same float, as Python's json
# writes it.
#
# Seen with srsly 2.5.6.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check srsly==2.5.6
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json
import random

import srsly

srsly.write_jsonl("run.jsonl", [{"lr": 1.5e-5, "epsilon": 1e-12, "loss": 0.1234567890123456}])
print(open("run.jsonl").read().strip())

random.seed(1)
losses = [random.random() for _ in range(1000)]
written = [json.loads(srsly.json_dumps(loss)) for loss in losses]
read = [srsly.json_loads(json.dumps(loss)) for loss in losses]
print("of 1000 written by srsly the same:", sum(map(float.__eq__, losses, written)))
print("of 1000 written by json and read by srsly the same:", sum(map(float.__eq__, losses, read)))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"lr":0.000015,"epsilon":0.0,"loss":0.123456789}
of 1000 written by srsly the same: 0
of 1000 written by json and read by srsly the same: 74
EXPECTED
echo "as stated"
